from __future__ import annotations

import pytest

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.mirror import schema
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.estimate import Estimate, estimate
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.ranges import Range


def estimated(rows: int, size: int) -> Estimate:
    with OnFile(":memory:") as engine:
        engine.run([Statement("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"), Statement("CREATE INDEX v ON t (v)")])
        found = schema.read(engine)
    return estimate(found, found.filled, [Chunk(0, Range("t", None, None, rows, size))])


@pytest.mark.parametrize(
    ("rows", "size", "days", "fits"),
    [(50_000, 1_000_000, 1, True), (50_001, 1_000_000, 2, True), (10, 500_000_001, 1, False)],
)
def test_the_free_plans_limits_are_shown_before_anything_is_copied(rows: int, size: int, days: int, fits: bool) -> None:
    found = estimated(rows, size)
    assert (found.free_days, found.free_fits) == (days, fits)


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", 1),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE, w TEXT, UNIQUE (v, w))", 3),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)", 2),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID", 1),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE UNIQUE INDEX u ON t (v); CREATE INDEX i ON t (v)", 3),
    ],
)
def test_rows_written_count_every_index_also_those_that_sqlite_makes_by_itself(sql: str, written: int) -> None:
    with OnFile(":memory:") as engine:
        engine.run([Statement(one) for one in sql.split(";")])
        found = schema.read(engine)
    assert estimate(found, found.filled, [Chunk(0, Range("t", None, None, 10, 100))]).rows_written == 10 * written


def test_calls_over_cloudflares_limit_take_whole_windows() -> None:
    with OnFile(":memory:") as engine:
        engine.run([Statement("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")])
        found = schema.read(engine)
    chunks = [Chunk(number, Range("t", None, None, 1, 6_000_000)) for number in range(500)]
    assert estimate(found, found.filled, chunks).seconds == 3 * 500 * 6_000_000 / 10_000_000
    assert (
        estimate(found, found.filled, [Chunk(n, Range("t", None, None, 1, 60)) for n in range(60_000)]).seconds >= 900
    )
