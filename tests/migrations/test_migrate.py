"""`migrate` on real D1: as wrangler would, each file with its count, the failing statement by name, the odd by name."""

from __future__ import annotations

import pytest
from grid import LOG, NOTES, Grid

from cattlegrid.errors import ApiError, Refused
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.verbs.migrate import MigrateOptions, MigrateReport, migrate
from cattlegrid.verbs.provision import provision

pytestmark = pytest.mark.slow
STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION

SLOW = """
CREATE TABLE many (i);
INSERT INTO many WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n;
"""


@pytest.fixture
def notes(grid: Grid) -> Grid:
    """A provisioned worker with two migrations."""
    grid.worker(**{"0001_notes": NOTES, "0002_log": LOG})
    provision(grid.edge, STAGING)
    return grid


def run(grid: Grid) -> MigrateReport:
    return migrate(grid.edge, STAGING)


def findings(report: MigrateReport) -> list[str]:
    return [str(finding) for database in report.databases for finding in database.plan.findings]


def test_each_file_is_told_with_its_statements_and_its_time(notes: Grid) -> None:
    report = run(notes)
    assert [(one.name, one.statements) for one in report.databases[0].applied] == [
        ("0001_notes.sql", 1),
        ("0002_log.sql", 2),
    ]
    notes.write(**{"0003_slow": SLOW})
    assert run(notes).databases[0].applied[0].seconds > 0.01
    assert notes.sql("SELECT count(*) FROM many") == [(200000,)]
    notes.sql("DROP TABLE many; DELETE FROM d1_migrations WHERE name = '0003_slow.sql'")
    assert notes.ledger() == ["0001_notes.sql", "0002_log.sql"]
    notes.sql("INSERT INTO notes (body) VALUES ('x')")
    assert notes.sql("SELECT what FROM log") == [("new;",)]


def test_wrangler_and_we_agree_in_both_directions(notes: Grid) -> None:
    pending = notes.wrangler("d1", "migrations", "list", "DB", "--remote")
    assert "0001_notes.sql" in pending
    assert "0002_log.sql" in pending
    notes.write(**{"0003_three": "CREATE TABLE three (id)"})
    with pytest.raises(Exception, match=r"0003_three.sql failed at its last statement, which has no `;`"):
        assert_nothing_failed(run(notes))
    notes.write(**{"0003_three": "CREATE TABLE three (id);"})
    assert_nothing_failed(run(notes))
    assert "No migrations to apply" in notes.wrangler("d1", "migrations", "list", "DB", "--remote")
    notes.write(**{"0004_four": "CREATE TABLE four (id);"})
    notes.wrangler("d1", "migrations", "apply", "DB", "--remote")
    report = run(notes)
    assert (report.databases[0].plan.pending, report.outcome) == ((), Outcome.PASS)
    assert report.databases[0].plan.unchecked == ("0004_four.sql",)
    assert notes.ledger() == ["0001_notes.sql", "0002_log.sql", "0003_three.sql", "0004_four.sql"]


def assert_nothing_failed(report: MigrateReport) -> None:
    if report.outcome is not Outcome.PASS:
        raise AssertionError(report.databases[0].problem)


def test_the_failing_statement_is_named_and_nothing_of_its_file_stays(notes: Grid) -> None:
    notes.write(
        **{
            "0003_tags": "CREATE TABLE tags (id INTEGER PRIMARY KEY);\n",
            "0004_bad": "CREATE TABLE half (id);\n\n-- now\nINSERT INTO notes VALUES (1, 'a');\nINSERT INTO notes\n"
            "  VALUES (1, 'b');\nCREATE TABLE later (id);\n",
        }
    )
    ran = notes.run("migrate")
    assert ran.code == 1
    assert (
        "0004_bad.sql failed at statement 3 of 4 (line 5) and left nothing behind: UNIQUE constraint failed" in ran.out
    )
    assert "INSERT INTO notes VALUES (1, 'b')" in ran.out
    assert "next: mend 0004_bad.sql, then repeat the command" in ran.out
    assert notes.ledger() == ["0001_notes.sql", "0002_log.sql", "0003_tags.sql"]
    assert notes.sql("SELECT count(*) FROM notes") == [(0,)]
    assert notes.sql("SELECT count(*) FROM sqlite_master WHERE name IN ('half', 'later')") == [(0,)]


def test_a_foreign_key_that_is_only_wrong_at_the_end_is_told_as_such(notes: Grid) -> None:
    notes.write(
        **{
            "0003_late": "CREATE TABLE child (id INTEGER, note INTEGER REFERENCES notes (id)"
            " DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO child VALUES (1, 99);\n"
        }
    )
    problem = run(notes).databases[0].problem
    assert "0003_late.sql failed" in problem
    assert "left nothing behind" in problem
    assert notes.ledger() == ["0001_notes.sql", "0002_log.sql"]


def test_a_file_that_ends_inside_a_comment_is_not_sent(notes: Grid) -> None:
    notes.write(**{"0003_open": "CREATE TABLE x (id);\n/* and then", "0004_next": "CREATE TABLE y (id);\n"})
    assert "0003_open.sql ends inside a comment" in run(notes).databases[0].problem
    assert notes.ledger() == ["0001_notes.sql", "0002_log.sql"]


def test_a_database_that_vanished_is_named(notes: Grid) -> None:
    notes.client.call("DELETE", f"/d1/database/{notes.database().id}")
    with pytest.raises(Refused, match="the account has no database") as caught:
        run(notes)
    assert caught.value.next == "cattlegrid provision --dry-run"


def test_production_is_refused_with_the_words_to_type(notes: Grid) -> None:
    ran = notes.run("migrate", "--env", "production")
    assert ran.code == 3
    assert "next: cattlegrid promote" in ran.err


def test_an_applied_file_that_was_edited_stops_the_next_migration(notes: Grid) -> None:
    run(notes)
    notes.write(**{"0001_notes": NOTES.replace("body TEXT", "body BLOB"), "0003_more": "CREATE TABLE more (id);\n"})
    with pytest.raises(Refused, match=r"edited: 0001_notes.sql: it was edited after it was applied"):
        run(notes)
    assert notes.ledger() == ["0001_notes.sql", "0002_log.sql"]


def test_a_file_before_an_applied_one_needs_a_word(notes: Grid) -> None:
    run(notes)
    notes.write(**{"0001_a_late_one": "CREATE TABLE late (id);\n"})
    with pytest.raises(Refused, match=r"out of order: 0001_a_late_one.sql: it comes before 0002_log.sql"):
        run(notes)
    report = migrate(notes.edge, STAGING, options=MigrateOptions(allow_out_of_order=True))
    assert "duplicated: 0001_a_late_one.sql: the number 1 is also 0001_notes.sql's" in "\n".join(findings(report))
    assert notes.ledger()[-1] == "0001_a_late_one.sql"


def test_entries_without_a_file_are_told_by_name(notes: Grid) -> None:
    run(notes)
    notes.sql("INSERT INTO d1_migrations (name) VALUES ('0003_gone.sql'), ('by hand'), ('0004_x')")
    (notes.root / "workers/context/migrations/0002_log.sql").rename(
        notes.root / "workers/context/migrations/0003_log.sql"
    )
    notes.write(**{"0004_x": "CREATE TABLE x (id);\n"})
    report = migrate(notes.edge, STAGING, options=MigrateOptions(dry_run=True))
    said = "\n".join(findings(report))
    assert "missing: 0002_log.sql: it was applied and its file is not here; was it renamed to 0003_log.sql?" in said
    assert "missing: 0003_gone.sql" in said
    assert "unknown: by hand" in said
    assert "unknown: 0004_x: the ledger's entry lacks the ending" in said


def test_a_file_that_records_a_later_one_itself_has_it_skipped_and_not_run(notes: Grid) -> None:
    notes.write(
        **{
            "0003_both": "CREATE TABLE both (id);\nINSERT INTO d1_migrations (name) VALUES ('0004_same.sql');\n",
            "0004_same": "CREATE TABLE both (id);\n",
        }
    )
    report = run(notes)
    assert [one.name for one in report.databases[0].applied][-1] == "0003_both.sql"
    assert set(notes.ledger()) == {"0001_notes.sql", "0002_log.sql", "0003_both.sql", "0004_same.sql"}


def test_a_file_that_records_itself_is_told_to_stop_that(notes: Grid) -> None:
    notes.write(**{"0003_self": "INSERT INTO d1_migrations (name) VALUES ('0003_self.sql');\n"})
    assert "it writes its own row into d1_migrations" in run(notes).databases[0].problem


@pytest.mark.parametrize("kind", ["lost", "500", "cut", "429", "garbage"])
def test_a_fault_in_any_call_applies_each_file_once(notes: Grid, kind: str) -> None:
    for skip in range(6):
        notes.fault(kind, "POST", "*/query", skip=skip * 2, seconds=0)
    for _ in range(9):
        if run_or_fault(notes):
            break
    assert notes.ledger() == ["0001_notes.sql", "0002_log.sql"]
    assert notes.sql("SELECT count(*) FROM _cattlegrid WHERE name LIKE 'migration:%'") == [(2,)]


def run_or_fault(grid: Grid) -> bool:
    try:
        return run(grid).outcome is Outcome.PASS
    except ApiError:
        return False


def test_killed_at_each_of_its_writes_the_next_run_goes_on(notes: Grid) -> None:
    notes.write(**{f"000{n}_t{n}": f"CREATE TABLE t{n} (id);\nINSERT INTO t{n} VALUES (1);\n" for n in range(3, 7)})
    notes.write(**{"0005_t5": "PRAGMA defer_foreign_keys = on;\nCREATE TABLE t5 (id);\n"})  # goes alone: three calls
    kills = sum(notes.killed_at_write(skip, "migrate") for skip in (4, 6, 7))
    assert kills >= 2
    assert_nothing_failed(run(notes))
    assert len(notes.ledger()) == 6
    assert notes.sql("SELECT (SELECT count(*) FROM t3) + (SELECT count(*) FROM t6)") == [(2,)]
