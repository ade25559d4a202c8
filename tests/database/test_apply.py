from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from d1_server import D1, d1_server

from cattlegrid.database import apply, migrations, state
from cattlegrid.database.marker import mark
from cattlegrid.errors import Failed, Refused
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database

STAGING = Environment.STAGING


@pytest.fixture
def d1() -> Iterator[D1]:
    with d1_server() as server:
        yield server


@pytest.fixture
def database(tmp_path: Path) -> Database:
    (tmp_path / "0001_notes.sql").write_text("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);")
    (tmp_path / "0002_log.sql").write_text(
        "CREATE TABLE log (id INTEGER);\n"
        "CREATE TRIGGER t AFTER INSERT ON notes BEGIN INSERT INTO log VALUES (new.id); SELECT 'a;b'; END;\n-- the end"
    )
    return Database("DB", "uuid", "context-staging", tmp_path)


def planned(d1: D1, database: Database) -> apply.DatabasePlan:
    return apply.plan(state.read(d1.client, database), migrations.read(database), STAGING)


def ledger(d1: D1) -> list[str]:
    return [name for (name,) in d1.sqlite.execute("SELECT name FROM d1_migrations ORDER BY id")]


def test_an_empty_database_is_marked_and_gets_every_migration(d1: D1, database: Database) -> None:
    plan = planned(d1, database)
    assert (plan.mark, [m.name for m in plan.pending], plan.newest) == (
        True, ["0001_notes.sql", "0002_log.sql"], "0002_log.sql",
    )  # fmt: skip
    applied = apply.run(d1.client, plan, STAGING)
    assert [(one.name, one.statements) for one in applied] == [("0001_notes.sql", 1), ("0002_log.sql", 2)]
    assert ledger(d1) == ["0001_notes.sql", "0002_log.sql"]
    marker = d1.sqlite.execute("SELECT value FROM _cattlegrid WHERE name = 'environment'").fetchall()
    assert marker == [("staging",)]
    d1.sqlite.execute("INSERT INTO notes (body) VALUES ('x')")
    assert d1.sqlite.execute("SELECT count(*) FROM log").fetchone() == (1,)


def test_a_second_run_writes_nothing(d1: D1, database: Database) -> None:
    apply.run(d1.client, planned(d1, database), STAGING)
    before = len(d1.calls)
    assert apply.run(d1.client, planned(d1, database), STAGING) == ()
    assert all("CREATE" not in str(call.json["sql"]) for call in d1.calls[before:])


def test_productions_database_is_refused_by_its_marker(d1: D1, database: Database) -> None:
    mark(d1.client, database, Environment.PRODUCTION)
    with pytest.raises(Refused, match="belongs to production: its marker says so; nothing was written"):
        planned(d1, database)


def test_a_database_that_changed_hands_after_the_plan_is_refused(d1: D1, database: Database) -> None:
    plan = planned(d1, database)
    mark(d1.client, database, Environment.PRODUCTION)
    with pytest.raises(Refused):
        apply.run(d1.client, plan, STAGING)
    assert state.read(d1.client, database).applied == ()


def test_tables_without_a_marker_are_refused(d1: D1, database: Database) -> None:
    d1.sqlite.execute("CREATE TABLE customers (id)")
    with pytest.raises(Refused, match="no environment marker") as refusal:
        planned(d1, database)
    assert refusal.value.next == "when it is staging's: cattlegrid migrate adopt --env staging"


def test_wrong_sql_names_the_file_and_leaves_nothing_of_it(d1: D1, database: Database, tmp_path: Path) -> None:
    (tmp_path / "0003_bad.sql").write_text("CREATE TABLE half (id); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(Failed, match=r"0003_bad.sql failed at statement 2 of 2 \(line 1\) and left nothing behind"):
        apply.run(d1.client, planned(d1, database), STAGING)
    assert ledger(d1) == ["0001_notes.sql", "0002_log.sql"]
    assert "half" not in state.read(d1.client, database).tables


def test_a_lost_answer_after_the_effect_applies_the_migration_once(d1: D1, database: Database) -> None:
    cuts = iter([True])
    d1.after = lambda sql: "CREATE TABLE notes" in sql and next(cuts, False)
    apply.run(d1.client, planned(d1, database), STAGING)
    assert ledger(d1) == ["0001_notes.sql", "0002_log.sql"]


def test_a_call_lost_before_the_effect_is_repeated(d1: D1, database: Database) -> None:
    cuts = iter([True, True])
    d1.before = lambda sql: "CREATE TABLE notes" in sql and next(cuts, False)
    apply.run(d1.client, planned(d1, database), STAGING)
    assert ledger(d1) == ["0001_notes.sql", "0002_log.sql"]


def test_names_in_the_ledger_without_a_file_are_told(d1: D1, database: Database, tmp_path: Path) -> None:
    apply.run(d1.client, planned(d1, database), STAGING)
    (tmp_path / "0001_notes.sql").rename(tmp_path / "0001_renamed.sql")
    plan = planned(d1, database)
    assert plan.unknown == ("0001_notes.sql",)
    assert [migration.name for migration in plan.pending] == ["0001_renamed.sql"]
