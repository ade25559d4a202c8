"""The leak scan's own look at what lies in staging, once all originals are known: kept text, and nothing else, is read.

A run that took up an interrupted one first asks production for the masked values that the earlier run saw.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

from cattlegrid.mirror import copying, parcels
from cattlegrid.mirror.copying import Road
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.parcels import Parcel
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.schema import Table
from cattlegrid.mirror.values import Row


def scan(road: Road, leaks: Leaks, resumed: Sequence[Chunk], done: Sequence[Chunk], size: int) -> None:
    """`resumed` are the chunks that an earlier run had verified, `done` all of them."""
    unseen = {chunk.range.table for chunk in resumed}
    masked = {table.name: frozenset(road.rules.of(table).masks) for table in road.tables.values()}
    kept = {name: _kept(road, leaks, table, unseen) for name, table in road.tables.items()}
    for parcel in parcels.parcels([table for table in road.tables.values() if masked[table.name]], resumed, size):
        ranges = [chunk.range for chunk in parcel.chunks]
        blank = {name: _others(road.tables[name], masked[name]) for name in {one.table for one in ranges}}
        for one, its in zip(ranges, copying.read(road.source, road.tables, ranges, blank), strict=True):
            leaks.original(road.tables[one.table], its)
    weighed = [_weighed(leaks, road.tables[chunk.range.table], chunk, kept) for chunk in done]
    looked = [table for table in road.tables.values() if kept[table.name]]
    for table, its in copying.ahead(_held(road, kept, parcels.parcels(looked, weighed, size))):
        leaks.kept(table, its)


def _held(
    road: Road, kept: Mapping[str, frozenset[str]], wanted: Sequence[Parcel]
) -> Generator[tuple[Table, list[Row]]]:
    """The kept text of each range, as staging holds it."""
    for parcel in wanted:
        ranges = [chunk.range for chunk in parcel.chunks]
        blank = {name: _others(road.tables[name], kept[name]) for name in {one.table for one in ranges}}
        for one, its in zip(ranges, copying.read(road.writer.engine, road.tables, ranges, blank), strict=True):
            yield road.tables[one.table], its


def _weighed(leaks: Leaks, table: Table, chunk: Chunk, kept: Mapping[str, frozenset[str]]) -> Chunk:
    """The chunk with the bytes that its kept text alone comes to, by what the rows seen by this run had on average."""
    rows, columns = leaks.seen.get(table.name, (0, {}))
    if not rows:
        return chunk
    each = 2 * sum(columns.get(name, 0) for name in kept[table.name]) // rows + 8 * len(table.columns) + 8
    return replace(chunk, range=replace(chunk.range, bytes=min(chunk.range.bytes, chunk.range.rows * each)))


def _kept(road: Road, leaks: Leaks, table: Table, unseen: set[str]) -> frozenset[str]:
    """Columns whose values are production's own and in which text came back; where an earlier run looked, any that may
    hold text. A table that staging keeps is not production's.
    """
    rules = road.rules.of(table)
    _, columns = leaks.seen.get(table.name, (0, {}))
    held = {c.name for c in table.columns if c.text_like and (table.name in unseen or c.name in columns)}
    return frozenset(held - {*rules.masks, *rules.consts})


def _others(table: Table, wanted: frozenset[str]) -> frozenset[str]:
    return frozenset(column.name for column in table.columns) - wanted
