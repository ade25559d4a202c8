"""D1 databases over REST."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Answer, Body, Client, items_of

Row = Mapping[str, object]


@dataclass(frozen=True)
class Statement:
    """One statement and its parameters, which are texts: the API's schema knows no other kind."""

    sql: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What one statement of a batch gave. `milliseconds` is the engine's own time; rows as D1 bills them. `replaced`
    and `seconds` are the whole batch's: whether U+FFFD came somewhere in its answer, and how long we waited for it.
    """

    rows: list[list[object]]
    rows_read: int = 0
    rows_written: int = 0
    milliseconds: float = 0.0
    replaced: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Listed:
    """A database of the account. `created` is an ISO date."""

    id: str
    name: str
    created: str


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


def batch(client: Client, database_id: str, statements: Sequence[Statement], *, repeatable: bool) -> list[Result]:
    """Several statements as one transaction, rows as lists. With `repeatable`, a lost answer repeats all of them."""
    path = f"/d1/database/{database_id}/raw"
    said = [{"sql": one.sql, "params": list(one.parameters)} for one in statements]
    answer = client.call("POST", path, body=Body(json={"batch": said}), repeatable=repeatable)
    return [_result(result, answer) for result in items_of(answer.result)]


def create(client: Client, name: str) -> Listed:
    """A new, empty database; the one of that name when a lost answer had made it."""
    path = "/d1/database"

    def read(result: object) -> Listed:
        return _listed(reading.mapping(result, path))

    return client.once("POST", path, Body(json={"name": name}), happened=lambda: named(client, name), read=read)


def listed(client: Client, containing: str) -> Iterator[Listed]:
    """The account's databases whose name contains this."""
    for item in client.pages("/d1/database"):
        found = _listed(item)
        if containing in found.name:
            yield found


def named(client: Client, name: str) -> Listed | None:
    return next((one for one in listed(client, name) if one.name == name), None)


def drop(client: Client, database_id: str) -> None:
    """Deletes a database with its history; one that is gone already is no error."""
    client.remove(f"/d1/database/{database_id}")


def restore(client: Client, database_id: str, to: str) -> None:
    """Takes a database back, in place, to a Time Travel bookmark."""
    client.call("POST", f"/d1/database/{database_id}/time_travel/restore", query={"bookmark": to})


def _result(item: Row, answer: Answer) -> Result:
    results, meta = reading.part(item, "results"), reading.part(item, "meta")
    rows = results.get("rows")
    return Result(
        rows=rows if isinstance(rows, list) else [],
        rows_read=_number(meta, "rows_read"),
        rows_written=_number(meta, "rows_written"),
        milliseconds=float(_number(reading.part(meta, "timings"), "sql_duration_ms")),
        replaced=answer.replaced,
        seconds=answer.seconds,
    )


def _number(value: Row, key: str) -> int:
    found = value.get(key)
    return int(found) if isinstance(found, int | float) else 0


def _listed(item: Row) -> Listed:
    where = "/d1/database"
    return Listed(
        reading.text(item, "uuid", where), reading.text(item, "name", where), reading.optional(item, "created_at")
    )


def _query(client: Client, database_id: str, sql: str, parameters: Sequence[object], *, repeatable: bool) -> list[Row]:
    body = Body(json={"sql": sql, "params": list(parameters)} if parameters else {"sql": sql})
    return items_of(client.call("POST", f"/d1/database/{database_id}/query", body=body, repeatable=repeatable).result)
