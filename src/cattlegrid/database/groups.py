"""Which migrations may go to the database in one call, and how long each took there.

wrangler sends one file a call, each its own transaction. On staging several go together where nobody can tell the
difference: when all succeed, the result is the same; when one fails, the engine takes all of them back and they are
sent one after the other. What a longer transaction would change (checks deferred to its end, PRAGMAs, files that write
the ledger themselves) goes alone. So does all of production, where a call has 30 seconds and tables are full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.d1 import Row
from cattlegrid.database import sql
from cattlegrid.database.migrations import Migration
from cattlegrid.database.shape import Shape
from cattlegrid.model.environment import Environment

_STATEMENTS: Final = 200
_CHARACTERS: Final = 200_000


def groups(
    pending: Sequence[Migration], ledger: str, environment: Environment, before: Shape
) -> Iterator[tuple[Migration, ...]]:
    """The pending files in their order, in groups of one or more."""
    if environment is not Environment.STAGING or before.deferred:
        yield from ((one,) for one in pending)
        return
    group: list[Migration] = []
    statements = characters = 0
    for one in pending:
        count, alone = len(sql.statements(one.sql)), _alone(one, ledger)
        if group and (alone or statements + count > _STATEMENTS or characters + len(one.sql) > _CHARACTERS):
            yield tuple(group)
            group, statements, characters = [], 0, 0
        group.append(one)
        statements, characters = statements + count, characters + len(one.sql)
        if alone:
            yield tuple(group)
            group, statements, characters = [], 0, 0
    if group:
        yield tuple(group)


def writes_ledger(group: Sequence[Migration], ledger: str) -> bool:
    """Such a file is always a group of its own."""
    return len(group) == 1 and ledger.lower() in sql.plain(group[0].sql)


def _alone(one: Migration, ledger: str) -> bool:
    words = set(sql.plain(one.sql))
    return bool(words & {"pragma", "deferrable", "deferred", ledger.lower()}) or sql.unclosed(one.sql)


def seconds(results: Sequence[Row], counts: Sequence[int]) -> list[float]:
    """What the database says that each file took: `counts` are the results that belong to each, in order."""
    found, at = [], 0
    for count in counts:
        found.append(sum(_milliseconds(result) for result in results[at : at + count]) / 1000)
        at += count
    return found


def _milliseconds(result: Row) -> float:
    took = reading.part(result, "meta").get("duration")
    return float(took) if isinstance(took, (int, float)) else 0.0
