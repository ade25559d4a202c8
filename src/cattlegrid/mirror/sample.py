"""Some rows of every table, and every row that these refer to: a part of a database whose foreign keys hold.

Which rows: of each table `size`, evenly over its keys, the same ones as long as the table does not change. Then, round
by round, the rows that chosen rows refer to, until a round finds none: circles and references to oneself end there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.order import parents_first
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.ranges import Bound, Range, at, key_columns, weight
from cattlegrid.mirror.rows import Blank, blank_of
from cattlegrid.mirror.schema import Table, quoted

_SQL_BYTES: Final = 60_000
_STATEMENTS: Final = 20

Chosen = dict[Bound, int]
"""A table's chosen rows: their keys, and what each weighs in bytes."""


def plan(engine: Engine, tables: Sequence[Table], blank: Blank, size: int, target: int) -> list[Chunk]:
    """The chosen rows in ranges of about `target` bytes that name their keys, parents first."""
    ordered = parents_first(tables)
    chosen = _closed(engine, {table.name: table for table in ordered}, blank, size)
    found = [one for table in ordered for one in _ranges(table, chosen[table.name], target)]
    return [Chunk(number, one) for number, one in enumerate(found)]


def _closed(engine: Engine, tables: Mapping[str, Table], blank: Blank, size: int) -> dict[str, Chosen]:
    asked = [(table.name, _spread(engine, table, blank_of(blank, table), size)) for table in tables.values()]
    chosen: dict[str, Chosen] = {name: {} for name in tables}
    while asked:
        fresh: dict[str, list[Bound]] = {}
        for start in range(0, len(asked), _STATEMENTS):
            some = asked[start : start + _STATEMENTS]
            for (name, _), result in zip(some, engine.run([statement for _, statement in some]), strict=True):
                for key, heavy in _keys(tables[name], result):
                    if key not in chosen[name]:
                        chosen[name][key] = heavy
                        fresh.setdefault(name, []).append(key)
        asked = [one for name, keys in fresh.items() for one in _parents(engine, tables, blank, tables[name], keys)]
    return chosen


def _parents(
    engine: Engine, tables: Mapping[str, Table], blank: Blank, table: Table, keys: Sequence[Bound]
) -> Iterator[tuple[str, Statement]]:
    """Asks for the rows that these rows of `table` refer to."""
    for reference in table.references:
        parent = tables.get(reference.table)
        if parent is None:
            continue
        for some in _packed(keys):
            ours = ", ".join(quoted(column) for column in reference.columns)
            theirs = ", ".join(quoted(column) for column in reference.to)
            where = Range(table.name, None, None, keys=some).where(table)
            referred = f"({theirs}) IN (SELECT {ours} FROM {quoted(table.name)} WHERE {where})"
            yield parent.name, _rows(engine, parent, blank_of(blank, parent), referred)


def _spread(engine: Engine, table: Table, blank: frozenset[str], size: int) -> Statement:
    """Asks for `size` rows, evenly over the keys; for all of them when there are no more."""
    key = ", ".join(table.key)
    names = [f"k{number}" for number in range(len(table.key))]
    renamed = ", ".join(f"{part} AS {name}" for part, name in zip(table.key, names, strict=True))
    counted = f"row_number() OVER (ORDER BY {key}) AS n, count(*) OVER () AS c"
    picked = (
        f"SELECT {', '.join(names)} FROM (SELECT {renamed}, {counted} FROM {quoted(table.name)})"
        f" WHERE n * {size} / c > (n - 1) * {size} / c OR c <= {size}"
    )
    return _rows(engine, table, blank, f"({key}) IN ({picked})")


def _rows(engine: Engine, table: Table, blank: frozenset[str], where: str) -> Statement:
    shown, letters = key_columns(table.key)
    weighed = weight(engine, table, blank)
    order = ", ".join(table.key)
    return Statement(f"SELECT {shown}, {letters}, {weighed} FROM {quoted(table.name)} WHERE {where} ORDER BY {order}")


def _keys(table: Table, result: Result) -> Iterator[tuple[Bound, int]]:
    width = len(table.key)
    for row in result.rows:
        yield at(str(row[width]), row[:width]), int(str(row[width + 1]))


def _packed(keys: Sequence[Bound]) -> Iterator[tuple[Bound, ...]]:
    """Keys that fit one statement each."""
    held: list[Bound] = []
    size = 0
    for key in keys:
        long = sum(len(part) + 3 for part in key)
        if held and size + long > _SQL_BYTES:
            yield tuple(held)
            held, size = [], 0
        held.append(key)
        size += long
    if held:
        yield tuple(held)


def _ranges(table: Table, chosen: Chosen, target: int) -> Iterator[Range]:
    """An empty table has a range, too: nothing is in it, and that is verified."""
    held: list[Bound] = []
    size = long = 0
    for key, heavy in chosen.items():
        said = sum(len(part) + 3 for part in key)
        if held and (size + heavy > target or long + said > _SQL_BYTES):
            yield Range(table.name, None, None, len(held), size, tuple(held))
            held, size, long = [], 0, 0
        held.append(key)
        size, long = size + heavy, long + said
    yield Range(table.name, None, None, len(held), size, tuple(held))
