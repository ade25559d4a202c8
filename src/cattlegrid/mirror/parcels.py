"""Parcels: ranges that are read, written and verified together, one call each. Small tables share a parcel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.mirror import ranges
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.order import circles, circular, parents_first
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.ranges import Range
from cattlegrid.mirror.rows import Blank, blank_of
from cattlegrid.mirror.schema import Table, quoted

TARGET: Final = 5_000_000
_RANGES: Final = 40
_FEW: Final = 20_000
_PARTS: Final = 8
_LEAST: Final = TARGET // 5
_OVERLAPPING: Final = 24


@dataclass(frozen=True)
class Parcel:
    """`held` are, by table, the columns of references that close a circle over more than one parcel: they are written
    as NULL first, and set when all rows are there. `whole` says that a circle lies in it, and it must not be cut.
    """

    chunks: tuple[Chunk, ...]
    held: Mapping[str, tuple[str, ...]]
    whole: bool = False

    def cut(self, number: int) -> tuple[Parcel, Parcel]:
        """The first so many chunks, and the rest."""
        if self.whole:
            return self, Parcel((), {})
        return replace(self, chunks=self.chunks[:number]), replace(self, chunks=self.chunks[number:])


def plan(engine: Engine, tables: Sequence[Table], blank: Blank, target: int = TARGET) -> list[Chunk]:
    """Every table's rows in ranges of a part of `target` bytes, parents first. One call for forty small tables."""
    size = grain(target)
    ordered = parents_first(tables)
    few = _small(engine, ordered)
    planned: dict[str, list[Range]] = {}
    for some in _some([table for table in ordered if few[table.name]]):
        asked = [Statement(ranges.border_sql(engine, table, size, None, blank_of(blank, table))) for table in some]
        for table, result in zip(some, engine.run(asked), strict=True):
            planned[table.name] = ranges.plan_table(engine, table, size, blank_of(blank, table), result.rows)
    for table in ordered:
        if table.name not in planned:
            planned[table.name] = ranges.plan_table(engine, table, size, blank_of(blank, table))
    found = [one for table in ordered for one in planned[table.name]]
    return [Chunk(number, one) for number, one in enumerate(found)]


def grain(target: int) -> int:
    """The bytes of one range: several make up a call, so that it can be cut while the database is slow."""
    return target // _PARTS if target >= TARGET // 2 else target


def parcels(tables: Sequence[Table], chunks: Sequence[Chunk], target: int = TARGET) -> list[Parcel]:
    """The chunks in their order, packed; a small database into small parcels, so that its calls overlap. A circle of
    references that fits `target` is never cut.
    """
    size = min(target, max(_LEAST, sum(chunk.range.bytes for chunk in chunks) // _OVERLAPPING))
    by_table: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_table.setdefault(chunk.range.table, []).append(chunk)
    found: list[Parcel] = []
    for group in circles(tables):
        mine = [chunk for table in group for chunk in by_table.get(table.name, ())]
        together = circular(group) and len(mine) > 1
        if together and _fits(mine, target):
            _pack(found, [mine], size, whole=True)
        elif together:
            found.append(Parcel((), {}))
            _pack(found, [[chunk] for chunk in mine], size, held=held(group))
            found.append(Parcel((), {}))
        else:
            _pack(found, [[chunk] for chunk in mine], size)
    return [parcel for parcel in found if parcel.chunks]


def _pack(
    found: list[Parcel],
    pieces: Sequence[list[Chunk]],
    target: int,
    *,
    held: Mapping[str, tuple[str, ...]] | None = None,
    whole: bool = False,
) -> None:
    """Into the last parcel while they fit, otherwise into new ones. No piece is cut."""
    for piece in pieces:
        last = found[-1] if found else Parcel((), {})
        if last.chunks and _fits([*last.chunks, *piece], target):
            found[-1] = replace(last, chunks=(*last.chunks, *piece), whole=last.whole or whole)
        else:
            found.append(Parcel(tuple(piece), held or {}, whole))


def held(group: Sequence[Table]) -> dict[str, tuple[str, ...]]:
    """By table of a circle: the nullable columns of the references that stay within it."""
    names = {table.name for table in group}
    found = {}
    for table in group:
        strict = {column.name for column in table.columns if column.not_null or column.primary}
        inner = [column for one in table.references if one.table in names for column in one.columns]
        found[table.name] = tuple(dict.fromkeys(column for column in inner if column not in strict))
    return found


def _fits(chunks: Sequence[Chunk], target: int) -> bool:
    size = sum(chunk.range.bytes for chunk in chunks)
    return len(chunks) <= 1 or (size <= target * 5 // 4 and len(chunks) <= _RANGES)


def _small(engine: Engine, tables: Sequence[Table]) -> dict[str, bool]:
    found = {}
    for some in _some(tables, 2 * _RANGES):
        asked = [
            Statement(f"SELECT count(*) FROM (SELECT 1 FROM {quoted(table.name)} LIMIT {_FEW + 1})") for table in some
        ]
        for table, result in zip(some, engine.run(asked), strict=True):
            found[table.name] = int(str(result.rows[0][0])) <= _FEW
    return found


def _some(tables: Sequence[Table], size: int = _RANGES) -> list[Sequence[Table]]:
    return [tables[at : at + size] for at in range(0, len(tables), size)]
