"""Which statement of a migration failed, and what the database looks like now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.database.migrations import Migration
from cattlegrid.database.shape import Shape, shape
from cattlegrid.database.sql import Statement
from cattlegrid.errors import ApiError, Failed
from cattlegrid.model.target import Database

_PROBE: Final = "cattlegrid-stops-here"


def explain(
    client: Client,
    database: Database,
    migration: Migration,
    statements: Sequence[Statement],
    error: ApiError,
    before: Shape,
    *,
    probe: bool,
) -> Failed:
    """The error for a person. With `probe`, the statement is searched for by running the file's beginnings.

    Each beginning ends in an error of ours, so that the engine takes it back; production is never probed.
    """
    place, words = "", ""
    if f"{database.table}.name" in error.what:
        place = f", since it writes its own row into {database.table}, as wrangler and cattlegrid do after it,"
    elif statements and not statements[-1].ended:
        place, words = " at its last statement, which has no `;`", f"\n  {statements[-1].short}"
    elif probe and _is_sql(error):
        place, words = _place(statements, _failing(client, database, statements))
    after = shape(client, database)
    left = "left nothing behind" if after == before else f"LEFT SOMETHING BEHIND ({_change(before, after)})"
    return Failed(
        f"migration {migration.name} failed{place} and {left}: {error.what}{words}",
        where=f"database {database.name or database.id}",
        next=f"mend {migration.path.name}, then repeat the command",
    )


def _place(statements: Sequence[Statement], index: int | None) -> tuple[str, str]:
    if index is None:
        return "", ""
    if index == len(statements):
        return f" at its end, after all {len(statements)} statements, when its rows had to be consistent", ""
    one = statements[index]
    return f" at statement {index + 1} of {len(statements)} (line {one.line})", f"\n  {one.short}"


def _is_sql(error: ApiError) -> bool:
    """Whether the engine refused the SQL; not so when the call did not come through or was not allowed."""
    return error.status == 400


def _failing(client: Client, database: Database, statements: Sequence[Statement]) -> int | None:
    """The index of the first statement that fails; their number when only the end fails; None when it cannot be told.

    Found by halving: about log2(n) calls.
    """
    low, high = 0, len(statements)
    while low < high:
        middle = (low + high) // 2
        passes = _passes(client, database, statements[: middle + 1])
        if passes is None:
            return None
        low, high = (middle + 1, high) if passes else (low, middle)
    return low


def _passes(client: Client, database: Database, beginning: Sequence[Statement]) -> bool | None:
    """Whether these statements run; None when the call itself went wrong. The engine takes them back in any case."""
    text = ";\n".join(one.text for one in beginning)
    try:
        d1.write(client, database.id, f"{text};\nSELECT json_extract('{{}}', '{_PROBE}');")
    except ApiError as error:
        return (_PROBE in error.what) if _is_sql(error) else None
    return None


def _change(before: Shape, after: Shape) -> str:
    return f"its schema went from {before.objects} to {after.objects} objects"
