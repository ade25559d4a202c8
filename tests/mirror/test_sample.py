"""A sample: some rows of every table, and whatever they refer to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from exactly import content
from hypothesis import given, settings
from hypothesis import strategies as some
from mirror_files import FileWriter, filled, job, made
from nasty import Nasty

from cattlegrid.mirror import progress, run
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.mirror.run import Copied
from cattlegrid.model.check import Outcome

SHAPE = (
    "CREATE TABLE org (code TEXT COLLATE NOCASE, area INTEGER, PRIMARY KEY (code, area)) WITHOUT ROWID",
    """CREATE TABLE person (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person (id), code TEXT, area INTEGER,
    FOREIGN KEY (code, area) REFERENCES org)""",
    "CREATE TABLE mail (id INTEGER PRIMARY KEY, sender INTEGER NOT NULL REFERENCES person, body TEXT)",
)


def sampled(source: Path, target: Path, number: int, size: int = 4_000_000) -> Copied:
    with OnFile(source, read_only=True) as here, OnFile(target) as there:
        copied = run.run(job(here, FileWriter(there), sample=number, size=size), Leaks(KEEP_ALL))
        run.forget(FileWriter(there))
        return copied


@pytest.fixture
def company(tmp_path: Path) -> Path:
    orgs = (f"INSERT INTO org VALUES ('o{at}', {at})" for at in range(100))
    people = (
        f"INSERT INTO person VALUES ({at}, {at - 1 or 'NULL'}, 'O{at % 100}', {at % 100})" for at in range(1, 301)
    )
    mails = (f"INSERT INTO mail VALUES ({at}, {at % 300 + 1}, 'body {at}')" for at in range(1000))
    return filled(tmp_path / "production.db", *SHAPE, *orgs, *people, *mails)


def test_a_sample_has_so_many_rows_and_all_that_they_refer_to(company: Path, tmp_path: Path) -> None:
    copied = sampled(company, tmp_path / "staging.db", 5)
    assert copied.outcome is Outcome.PASS, copied.checks
    with closing(sqlite3.connect(tmp_path / "staging.db")) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("SELECT count(*), min(id), max(id) FROM mail").fetchone() == (5, 199, 999)
        assert db.execute("SELECT count(*) = max(id) FROM person").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM org").fetchone()[0] < 301


def test_a_sample_s_rows_are_production_s_rows(company: Path, tmp_path: Path) -> None:
    sampled(company, tmp_path / "staging.db", 7, size=500)
    whole, part = content(company), content(tmp_path / "staging.db")
    assert all(part.values())
    assert all(set(rows) <= set(whole[table]) for table, rows in part.items())


def test_a_sample_of_more_than_there_is_is_everything(company: Path, tmp_path: Path) -> None:
    sampled(company, tmp_path / "staging.db", 5000)
    assert content(tmp_path / "staging.db") == content(company)


def test_a_sample_that_was_interrupted_is_taken_up_and_one_of_another_size_is_not(
    company: Path, tmp_path: Path
) -> None:
    with OnFile(company, read_only=True) as here, OnFile(tmp_path / "staging.db") as there:
        run.run(job(here, FileWriter(there), sample=5, size=300), Leaks(KEEP_ALL))
        left = progress.read(there)
        assert left is not None
        again = run.run(job(here, FileWriter(there), sample=5, size=300), Leaks(KEEP_ALL))
        other = run.run(job(here, FileWriter(there), sample=6, size=300), Leaks(KEEP_ALL))
    assert (again.resumed, other.resumed) == (len(left[1]), 0)


@settings(max_examples=5, deadline=None)
@given(seed=some.integers(0, 10**9), number=some.integers(1, 20))
def test_any_nasty_database_can_be_sampled(tmp_path_factory: pytest.TempPathFactory, seed: int, number: int) -> None:
    folder = tmp_path_factory.mktemp("any")
    source = made(folder / "production.db", Nasty(seed, scale=4))
    assert sampled(source, folder / "staging.db", number, size=2000).outcome is Outcome.PASS
    whole, part = content(source), content(folder / "staging.db")
    assert all(set(map(repr, rows)) <= set(map(repr, whole[table])) for table, rows in part.items())
