"""`migrate adopt` on the odd but real repositories: the ledger is told from the structure, and never guessed."""

from __future__ import annotations

import pytest
from grid import LOG, NOTES, Grid

from cattlegrid.errors import Refused
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.verbs.adopt import AdoptReport, adopt
from cattlegrid.verbs.migrate import migrate
from cattlegrid.verbs.provision import provision

pytestmark = pytest.mark.slow
STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION
SEED = "INSERT INTO notes (body) VALUES ('seed');\n"


@pytest.fixture
def notes(grid: Grid) -> Grid:
    """A worker with three migrations and an empty database, marked."""
    grid.worker(**{"0003_notes": NOTES, "0004_log": LOG, "0005_more": "ALTER TABLE notes ADD COLUMN more TEXT;\n"})
    provision(grid.edge, STAGING)
    return grid


def adopted(grid: Grid, through: str = "", environment: Environment = STAGING) -> AdoptReport:
    return adopt(grid.edge, environment, through=through, agreed=lambda _: True)


def test_files_that_were_run_by_hand_are_recorded_and_not_run_again(notes: Grid) -> None:
    notes.sql(NOTES + LOG)
    with pytest.raises(Refused, match=r"unrecorded: 0003_notes.sql: the ledger is empty and notes is there"):
        migrate(notes.edge, STAGING)
    assert adopted(notes).written
    assert notes.ledger() == ["0003_notes.sql", "0004_log.sql"]
    assert "0005_more.sql" in (listed := notes.wrangler("d1", "migrations", "list", "DB", "--remote"))
    assert "0004_log.sql" not in listed
    assert migrate(notes.edge, STAGING).outcome is Outcome.PASS
    assert adopted(notes).empty


def test_production_s_database_is_marked_and_its_ledger_written_after_a_yes(grid: Grid) -> None:
    grid.worker(**{"0001_notes": NOTES})
    provision(grid.edge, PRODUCTION)
    grid.sql(f"DROP TABLE _cattlegrid; {NOTES}", PRODUCTION)
    said_no = grid.run("migrate", "adopt", "--env", "production", input="no\n")
    assert said_no.code == 3
    assert "the marker: it belongs to production" in said_no.out
    assert "into d1_migrations: 0001_notes.sql" in said_no.out
    assert grid.sql("SELECT count(*) FROM sqlite_master WHERE name = 'd1_migrations'", PRODUCTION) == [(0,)]
    assert grid.run("migrate", "adopt", "--env", "production", input="yes\n").code == 0
    assert grid.ledger(PRODUCTION) == ["0001_notes.sql"]
    assert ("environment", "production") in grid.sql("SELECT name, value FROM _cattlegrid", PRODUCTION)


def test_a_structure_that_no_file_leaves_behind_is_shown_and_nothing_is_guessed(notes: Grid) -> None:
    notes.sql(f"{NOTES} CREATE TABLE by_hand (id);")
    ran = notes.run("migrate", "adopt", "--yes")
    assert ran.code == 4
    assert "no file leaves this structure behind; 0003_notes.sql comes nearest" in ran.out
    assert "table by_hand: only in the database" in ran.out
    assert notes.sql("SELECT count(*) FROM sqlite_master WHERE name = 'd1_migrations'") == [(0,)]


def test_files_that_change_rows_alone_need_a_word(notes: Grid) -> None:
    notes.write(**{"0006_seed": SEED, "0007_seed": SEED})
    notes.sql(NOTES + LOG + "ALTER TABLE notes ADD COLUMN more TEXT;" + SEED)
    ran = notes.run("migrate", "adopt", "--yes")
    assert ran.code == 4
    assert "whether these ran cannot be seen in the structure: 0006_seed.sql, 0007_seed.sql" in ran.out
    assert adopted(notes, "0006_seed.sql").databases[0].remaining == ("0007_seed.sql",)
    assert notes.ledger()[-1] == "0006_seed.sql"
    assert notes.run("migrate", "adopt", "--through", "0004_log.sql").code == 2


def test_a_base_schema_in_the_folder_is_recorded_first(grid: Grid) -> None:
    grid.worker(**{"schema": NOTES, "0003_log": LOG})
    provision(grid.edge, STAGING)
    grid.sql(NOTES + LOG)
    assert adopted(grid).databases[0].note == "schema.sql has to run first, and wrangler runs it last"
    assert grid.ledger() == ["schema.sql", "0003_log.sql"]
    assert "No migrations to apply" in grid.wrangler("d1", "migrations", "list", "DB", "--remote")
    grid.write(**{"0004_next": "CREATE TABLE next (id);\n"})
    assert migrate(grid.edge, STAGING).outcome is Outcome.PASS


def test_a_base_schema_beside_the_folder_is_no_entry_of_the_ledger(grid: Grid) -> None:
    grid.worker(**{"0003_log": LOG, "0004_six": "SELECT 1;\n", "0004_also": "CREATE TABLE also (id);\n"})
    grid.clone.write({"workers/context/schema.sql": NOTES})
    provision(grid.edge, STAGING)
    grid.sql(NOTES + LOG + "CREATE TABLE also (id);")
    adopted(grid, "0004_six.sql")
    assert grid.ledger() == ["0003_log.sql", "0004_also.sql", "0004_six.sql"]


def test_an_edit_that_changes_nothing_is_accepted_and_one_that_does_is_not(notes: Grid) -> None:
    migrate(notes.edge, STAGING)
    notes.write(**{"0003_notes": NOTES.replace("CREATE TABLE", "-- renamed words\nCREATE TABLE IF NOT EXISTS")})
    with pytest.raises(Refused, match=r"edited: 0003_notes.sql"):
        migrate(notes.edge, STAGING)
    assert [name for name, _ in adopted(notes).databases[0].digests] == ["0003_notes.sql"]
    assert migrate(notes.edge, STAGING).outcome is Outcome.PASS
    notes.write(**{"0003_notes": NOTES.replace("body TEXT", "body BLOB")})
    assert adopted(notes).outcome is Outcome.NOT_MEASURED


def test_files_that_wrangler_applied_get_their_digests(notes: Grid) -> None:
    notes.wrangler("d1", "migrations", "apply", "DB", "--remote")
    assert len(migrate(notes.edge, STAGING).databases[0].plan.unchecked) == 3
    adopted(notes)
    assert migrate(notes.edge, STAGING).databases[0].plan.unchecked == ()
    assert len(notes.ledger()) == 3


def test_the_other_environment_s_database_is_not_adopted(notes: Grid) -> None:
    notes.sql("UPDATE _cattlegrid SET value = 'production'")
    with pytest.raises(Refused, match="belongs to production"):
        adopted(notes)
