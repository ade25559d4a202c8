"""D1 databases over REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Body, Client, items_of

Row = Mapping[str, object]


def rows(client: Client, database_id: str, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
    """The rows of one statement that only reads; so it is repeated after a lost answer."""
    found = selects(client, database_id, sql, parameters)
    return found[0] if found else []


def selects(client: Client, database_id: str, sql: str, parameters: Sequence[object] = ()) -> list[list[Row]]:
    """The rows of several statements that only read, in one call."""
    results = _query(client, database_id, sql, parameters, repeatable=True)
    return [items_of(result.get("results")) for result in results]


def write(client: Client, database_id: str, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
    """Statements that write, as one transaction: one item for each, with its `results` and `meta`.

    Raises InDoubt after a lost answer: the caller reads what happened.
    """
    return _query(client, database_id, sql, parameters, repeatable=False)


def ensure(client: Client, database_id: str, sql: str) -> None:
    """Statements that write and may run twice to the same effect (IF NOT EXISTS, OR IGNORE)."""
    _query(client, database_id, sql, (), repeatable=True)


def bookmark(client: Client, database_id: str, at: datetime | None = None) -> str:
    """Where Time Travel can return to: now, or at the given time."""
    path = f"/d1/database/{database_id}/time_travel/bookmark"
    answer = client.get(path) if at is None else client.get(path, timestamp=at.isoformat())
    return reading.text(reading.mapping(answer, path), "bookmark", path)


def _query(client: Client, database_id: str, sql: str, parameters: Sequence[object], *, repeatable: bool) -> list[Row]:
    body = Body(json={"sql": sql, "params": list(parameters)} if parameters else {"sql": sql})
    return items_of(client.call("POST", f"/d1/database/{database_id}/query", body=body, repeatable=repeatable).result)
