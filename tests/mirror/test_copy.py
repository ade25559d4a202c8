"""From file to file: what arrives is exact, and what is planted in the copy is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from exactly import content, structure
from hypothesis import given, settings
from hypothesis import strategies as some
from mirror_files import FileWriter, filled, job, made, mirrored
from nasty import Nasty

from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.errors import Failed
from cattlegrid.mirror import run
from cattlegrid.mirror import structure as shape
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.portion import TooMuch
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.mirror.run import Copied
from cattlegrid.model.check import Outcome

ROWS = ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB)", "CREATE TABLE u (v TEXT)")
ROWS += tuple(f"INSERT INTO t VALUES ({at}, 'value {at}', x'{at:04x}')" for at in range(1, 60))


@pytest.mark.parametrize("size", [4_000_000, 900])
def test_a_nasty_database_arrives_bit_for_bit(tmp_path: Path, size: int) -> None:
    source = made(tmp_path / "production.db", Nasty(0, big=size > 1000))
    copied = mirrored(source, tmp_path / "staging.db", size=size)
    assert copied.outcome is Outcome.PASS, copied.checks
    assert content(tmp_path / "staging.db") == content(source)
    assert structure(tmp_path / "staging.db") == structure(source)


@settings(max_examples=6, deadline=None)
@given(seed=some.integers(0, 10**9), size=some.sampled_from([300, 2000, 4_000_000]), scale=some.integers(1, 16))
def test_any_nasty_database_arrives_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int, scale: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    source = made(folder / "production.db", Nasty(seed, scale=scale))
    assert mirrored(source, folder / "staging.db", size=size).outcome is Outcome.PASS
    assert content(folder / "staging.db") == content(source)


def test_a_second_mirror_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    old, new = (made(tmp_path / f"{seed}.db", Nasty(seed)) for seed in (1, 2))
    filled(old, "CREATE TABLE only_there (v)", "INSERT INTO only_there VALUES (1)")
    mirrored(old, tmp_path / "staging.db")
    mirrored(new, tmp_path / "staging.db")
    assert content(tmp_path / "staging.db") == content(new)
    assert structure(tmp_path / "staging.db") == structure(new)


def test_five_hundred_tables_with_names_that_need_quotes_take_few_calls(tmp_path: Path) -> None:
    names = [f'"t {at} ""é"" ; --"' for at in range(500)]
    statements = (sql for name in names for sql in (f"CREATE TABLE {name} (v)", f"INSERT INTO {name} VALUES (x'00')"))
    source = filled(tmp_path / "production.db", *statements)
    with OnFile(source, read_only=True) as here, OnFile(tmp_path / "staging.db") as there:
        assert run.run(job(here, FileWriter(there)), Leaks(KEEP_ALL)).rows == 500
        assert here.bill.calls + there.bill.calls < 220
    assert content(tmp_path / "staging.db") == content(source)


class Tampering(FileWriter):
    """Spoils what was written, `times` over, after the batch that brought rows into `t`."""

    def __init__(self, engine: OnFile, sql: str, times: int) -> None:
        super().__init__(engine)
        self.sql, self.times = sql, times

    def write(self, statements: Sequence[Statement]) -> list[Result]:
        results = super().write(statements)
        if self.times and any('INSERT INTO "t"' in one.sql for one in statements):
            _, changed = self.engine.run([Statement(self.sql), Statement("SELECT changes()")])
            self.times -= bool(changed.rows[0][0])
        return results


PLANTED = {
    "one bit": "UPDATE t SET b = x'0020' WHERE id = 33",
    "a lost row": "DELETE FROM t WHERE id = 33",
    "a row too many": "INSERT INTO t VALUES (0, 'x', NULL)",
    "as many rows with other content": "UPDATE t SET v = 'value 34' WHERE id = 33",
    "a value of another kind": "UPDATE t SET v = CAST(v AS BLOB) WHERE id = 33",
}


def tampered(folder: Path, sql: str, times: int) -> tuple[Copied, Path]:
    source = filled(folder / "production.db", *ROWS)
    with OnFile(source, read_only=True) as here, OnFile(folder / "staging.db") as there:
        copied = run.run(job(here, Tampering(there, sql, times), size=800), Leaks(KEEP_ALL))
        run.forget(FileWriter(there))
    return copied, source


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_in_the_copy_is_found_and_copied_again(tmp_path: Path, what: str) -> None:
    copied, source = tampered(tmp_path, PLANTED[what], 1)
    assert copied.mended
    assert copied.mended[0].startswith("t, ")
    assert content(tmp_path / "staging.db") == content(source)


def test_a_circle_of_references_that_fits_one_call_is_never_cut_however_small_the_database(tmp_path: Path) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    source = filled(
        tmp_path / "production.db",
        "PRAGMA defer_foreign_keys = ON",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER NOT NULL REFERENCES b (id), v TEXT)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES a (id))",
        f"{many} INSERT INTO a SELECT i, 301 - i, hex(randomblob(4000)) FROM n",
        f"{many} INSERT INTO b SELECT i, i FROM n",
    )
    assert mirrored(source, tmp_path / "staging.db").outcome is Outcome.PASS
    assert content(tmp_path / "staging.db") == content(source)


def test_what_cannot_be_mended_fails_and_names_table_and_keys(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="something else than what was written there, 3 times over") as failed:
        tampered(tmp_path, "UPDATE t SET v = 'x'", 1000)
    assert failed.value.where.startswith("table t, the start to (")


def test_a_stale_row_in_a_search_index_is_found(tmp_path: Path) -> None:
    filled(
        tmp_path / "s.db",
        "CREATE TABLE n (id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE VIRTUAL TABLE f USING fts5 (body, content = 'n', content_rowid = 'id')",
        "INSERT INTO n VALUES (1, 'new words')",
        "INSERT INTO f (rowid, body) VALUES (1, 'old words')",
    )
    with OnFile(tmp_path / "s.db") as engine, pytest.raises(Failed, match="malformed"):
        engine.run([shape.integrity("f")])


class Slow(OnFile):
    share = 1 / 8


@pytest.mark.parametrize(("engine", "most"), [(OnFile, 3), (Slow, 1)])
def test_a_call_to_a_slow_database_takes_fewer_ranges(tmp_path: Path, engine: Callable[..., OnFile], most: int) -> None:
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
    source = filled(tmp_path / "production.db", ROWS[0], f"{rows} INSERT INTO t (v) SELECT hex(zeroblob(9000)) FROM n")
    batches: list[int] = []
    with engine(source, read_only=True) as here, OnFile(tmp_path / "staging.db") as there:
        writer = FileWriter(there, lambda some: batches.append(sum('DELETE FROM "t"' in one.sql for one in some)))
        assert run.run(job(here, writer), Leaks(KEEP_ALL)).rows == 500
    assert max(batches) == most


class Narrow(OnFile):
    """An engine that refuses to answer with more than a few rows, as D1 does when its memory is used up."""

    def run(self, statements: Sequence[Statement]) -> list[Result]:
        results = super().run(statements)
        if any(
            len(result.rows) > 7 and ' FROM "t" WHERE ' in one.sql
            for one, result in zip(statements, results, strict=True)
        ):
            raise TooMuch("D1 DB's isolate exceeded its memory limit and was reset.", status=500)
        return results


@pytest.mark.parametrize("narrow", [(Narrow, OnFile), (OnFile, Narrow)], ids=["source", "target"])
def test_a_range_that_is_too_much_for_one_call_is_read_in_halves(
    tmp_path: Path, narrow: tuple[Callable[..., OnFile], Callable[..., OnFile]]
) -> None:
    source = filled(tmp_path / "production.db", *ROWS)
    with narrow[0](source, read_only=True) as here, narrow[1](tmp_path / "staging.db") as there:
        assert run.run(job(here, FileWriter(there)), Leaks(KEEP_ALL)).outcome is Outcome.PASS
    assert content(tmp_path / "staging.db") == content(source)
