"""The leak scan's own look at what lies in staging, once all originals are known: kept text, and nothing else, is read.

A run that took up an interrupted one first asks production for the masked values that the earlier run saw.
"""

from __future__ import annotations

from collections.abc import Sequence

from cattlegrid.mirror import copying, parcels
from cattlegrid.mirror.copying import Road
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.schema import Table


def scan(road: Road, leaks: Leaks, resumed: Sequence[Chunk], done: Sequence[Chunk], size: int) -> None:
    """`resumed` are the chunks that an earlier run had verified, `done` all of them."""
    masked = {table.name: frozenset(road.rules.of(table).masks) for table in road.tables.values()}
    kept = {table.name: _kept(road, table) for table in road.tables.values()}
    for parcel in parcels.parcels([table for table in road.tables.values() if masked[table.name]], resumed, size):
        ranges = [chunk.range for chunk in parcel.chunks]
        blank = {name: _others(road.tables[name], masked[name]) for name in {one.table for one in ranges}}
        for one, its in zip(ranges, copying.read(road.source, road.tables, ranges, blank), strict=True):
            leaks.original(road.tables[one.table], its)
    for parcel in parcels.parcels([table for table in road.tables.values() if kept[table.name]], done, size):
        ranges = [chunk.range for chunk in parcel.chunks]
        blank = {name: _others(road.tables[name], kept[name]) for name in {one.table for one in ranges}}
        for one, its in zip(ranges, copying.read(road.writer.engine, road.tables, ranges, blank), strict=True):
            leaks.kept(road.tables[one.table], its)


def _kept(road: Road, table: Table) -> frozenset[str]:
    """Text-like columns whose values are production's own; a table that staging keeps is not production's."""
    rules = road.rules.of(table)
    return frozenset(c.name for c in table.columns if c.text_like and c.name not in {*rules.masks, *rules.consts})


def _others(table: Table, wanted: frozenset[str]) -> frozenset[str]:
    return frozenset(column.name for column in table.columns) - wanted
