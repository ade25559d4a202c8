"""What a mirror will cost before it begins: rows, bytes, calls, rows billed, dollars, minutes.

Prices and limits: D1's pricing page (docs/mirror.md has the source); they are shown, never enforced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cattlegrid.cloudflare.pace import least
from cattlegrid.mirror.parcels import TARGET, parcels
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.schema import Schema, Table

DOLLARS_PER_MILLION_WRITTEN: Final = 1.00
DOLLARS_PER_MILLION_READ: Final = 0.001
FREE_WRITTEN_A_DAY: Final = 100_000
FREE_READ_A_DAY: Final = 5_000_000
FREE_BYTES: Final = 500_000_000
_OVERHEAD: Final = 30
_SECONDS_PER_CALL: Final = 0.15
_BYTES_PER_SECOND: Final = 10_000_000


@dataclass(frozen=True)
class Estimate:
    """`dollars` is beyond what the paid plan includes; `free_days` how many days it takes within what
    the free plan lets read and write, `free_fits` whether the rows fit into one of its databases.
    """

    tables: int
    rows: int
    bytes: int
    calls: int
    rows_read: int
    rows_written: int
    dollars: float
    seconds: float
    free_days: int
    free_fits: bool


def estimate(schema: Schema, filled: Sequence[Table], chunks: Sequence[Chunk], target: int = TARGET) -> Estimate:
    rows = sum(chunk.range.rows for chunk in chunks)
    size = sum(chunk.range.bytes for chunk in chunks)
    calls = 3 * len(parcels(filled, chunks, target)) + len(schema.indexes) + 2 * len(schema.searches) + _OVERHEAD
    indexes = {table.name: _indexes(schema, table) for table in filled}
    written = sum(chunk.range.rows * (1 + indexes[chunk.range.table]) for chunk in chunks)
    read = 3 * rows
    return Estimate(
        tables=len(filled),
        rows=rows,
        bytes=size,
        calls=calls,
        rows_read=read,
        rows_written=written,
        dollars=written / 1e6 * DOLLARS_PER_MILLION_WRITTEN + read / 1e6 * DOLLARS_PER_MILLION_READ,
        seconds=max(calls * _SECONDS_PER_CALL, 3 * size / _BYTES_PER_SECOND, least(calls)),
        free_days=max(-(-written // FREE_WRITTEN_A_DAY), -(-read // FREE_READ_A_DAY)),
        free_fits=size <= FREE_BYTES,
    )


def _indexes(schema: Schema, table: Table) -> int:
    """Those of CREATE INDEX, and those that SQLite makes by itself for UNIQUE and for a key that is not the row id."""
    created = [sql for sql in schema.indexes if _on(sql, table.name)]
    unique = sum("unique" in sql.lower().split()[:2] for sql in created)
    by_itself = table.integer_key is not None or table.without_rowid
    return len(created) + max(0, len(table.unique) - unique - by_itself)


def _on(sql: str, table: str) -> bool:
    words = sql.replace('"', " ").replace("`", " ").replace("[", " ").replace("(", " ").split()
    lowered = [word.lower() for word in words]
    return "on" in lowered and table.lower() in lowered[lowered.index("on") : lowered.index("on") + 2]
