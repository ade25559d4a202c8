"""Read-only SQL on a staging database, within limits. Production is never asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Refused, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database, Target

MOST_ROWS: Final = 200
_MOST_CELL: Final = 2000
_QUOTED: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]")
_NEXT: Final = "write one SELECT, without a semicolon or comments"


@dataclass(frozen=True)
class Answer:
    """`cut` when there are more rows than the limit, or a cell was shortened."""

    database: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    cut: bool


def query(client: Client, target: Target, binding: str, sql: str, parameters: Sequence[object], limit: int) -> Answer:
    """`binding` is `worker.BINDING`. Raises Refused for anything but one SELECT, UsageError for an unknown binding."""
    if target.environment is not Environment.STAGING:
        raise Refused("SQL is answered from staging only", next="cattlegrid run -- <agent>")
    database = _database(target, binding)
    most = max(1, min(limit, MOST_ROWS))
    statement = f"SELECT * FROM ({only_select(sql)}) LIMIT {most + 1}"  # noqa: S608 - it has been examined
    found = d1.rows(client, database.id, statement, parameters)
    columns = tuple(found[0]) if found else ()
    cells = [tuple(_cell(row[column]) for column in columns) for row in found[:most]]
    short = any(cut for row in cells for _, cut in row)
    rows = tuple(tuple(value for value, _ in row) for row in cells)
    return Answer(f"{binding} ({database.name})", columns, rows, cut=short or len(found) > most)


def only_select(sql: str) -> str:
    """The statement, if it can stand as a sub-select and nothing else can follow it. Raises Refused."""
    bare = sql.strip().removesuffix(";").strip()
    outside = _QUOTED.sub(" x ", bare)
    if any(sign in outside for sign in (";", "--", "/*", "'", '"', "`", "\0")):
        raise Refused("only one statement is answered, without comments", next=_NEXT)
    if not re.match(r"(select|with|values)\b", outside, re.IGNORECASE):
        raise Refused(
            f"only SELECT is answered, not {outside.split(maxsplit=1)[0] if outside else 'nothing'}", next=_NEXT
        )
    depth = 0
    for sign in outside:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            raise Refused("a parenthesis is closed that was not opened", next=_NEXT)
    return bare


def _database(target: Target, binding: str) -> Database:
    known = {
        f"{name}.{database.binding}": database
        for name, worker in target.workers.items()
        for database in worker.databases
        if database.id
    }
    if binding not in known:
        raise UsageError(f"there is no database {binding!r}; the databases are {', '.join(known) or 'none'}")
    return known[binding]


def _cell(value: object) -> tuple[object, bool]:
    if isinstance(value, str) and len(value) > _MOST_CELL:
        return value[:_MOST_CELL] + "…", True
    return value, False
