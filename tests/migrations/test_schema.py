"""`schema diff` on real D1: both engines read the same structure; what is pending explains, what drifted does not."""

from __future__ import annotations

import pytest
from grid import LOG, NOTES, Grid

from cattlegrid.cloudflare import d1
from cattlegrid.database import migrations
from cattlegrid.database.ledger import record_sql, table_sql
from cattlegrid.database.schema import local, read
from cattlegrid.database.schema.differ import differences
from cattlegrid.errors import ApiError
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.verbs.migrate import migrate
from cattlegrid.verbs.provision import provision
from cattlegrid.verbs.schema import schema_diff

pytestmark = pytest.mark.slow
STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION

EVERYTHING = """
CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, "Odd name" TEXT COLLATE NOCASE DEFAULT 'it''s', at TEXT
  DEFAULT (datetime('now')), n REAL NOT NULL DEFAULT -1.5 CHECK (n < 10), low TEXT AS (lower("Odd name")) STORED,
  UNIQUE (n, at) ON CONFLICT IGNORE, CHECK (n > -2 OR at IS NULL));
CREATE TABLE b (x TEXT, y INT REFERENCES a ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, PRIMARY KEY (x, y))
  STRICT, WITHOUT ROWID;
CREATE TABLE [c] (`id` INT, FOREIGN KEY (id) REFERENCES b (x) ON UPDATE SET NULL);
CREATE UNIQUE INDEX i ON a (n DESC, lower(at)) WHERE n > 0;
CREATE VIRTUAL TABLE f USING fts5(body, tags UNINDEXED, tokenize = "porter unicode61", content='a', content_rowid='id');
CREATE TRIGGER t AFTER UPDATE OF n ON a WHEN new.n > 1 BEGIN INSERT INTO b VALUES ('x;', new.id); END;
CREATE VIEW v AS SELECT a.id, count(*) AS many FROM a LEFT JOIN b ON b.y = a.id GROUP BY 1;
ALTER TABLE a ADD COLUMN late TEXT;
"""


@pytest.fixture
def notes(grid: Grid) -> Grid:
    """Both environments provisioned, one migration in both."""
    grid.worker(**{"0001_notes": NOTES})
    provision(grid.edge, PRODUCTION)
    provision(grid.edge, STAGING)
    migrate(grid.edge, STAGING)
    to_production(grid, NOTES, "0001_notes.sql")
    return grid


def to_production(grid: Grid, sql: str, name: str) -> None:
    """As a promotion leaves it: the file and its row."""
    grid.sql("\n".join((table_sql("d1_migrations"), sql, record_sql("d1_migrations", name), "SELECT 1")), PRODUCTION)


def test_d1_and_the_engine_in_memory_read_the_same_structure(grid: Grid) -> None:
    grid.worker(**{"0001_everything": EVERYTHING})
    provision(grid.edge, STAGING)
    assert migrate(grid.edge, STAGING).outcome is Outcome.PASS
    database = grid.database()
    built = local.build(database, migrations.read(database))
    assert differences(built.structure, read.live(grid.client, database)) == ()
    assert built.structure.counted == "3 tables, 1 virtual table, 1 index, 1 trigger, 1 view"


def test_three_equal_structures_are_parity(notes: Grid) -> None:
    ran = notes.run("schema", "diff")
    assert ran.code == 0
    assert "staging and production: the same structure" in ran.out
    assert ran.out.endswith("schema ✓ pass  1 database\n")


def test_what_is_pending_in_production_explains_its_difference(notes: Grid) -> None:
    notes.write(**{"0002_log": LOG})
    migrate(notes.edge, STAGING)
    report = schema_diff(notes.edge)
    staging, production = report.databases[0].sides
    assert report.outcome is Outcome.PASS
    assert staging.differences == ()
    assert (production.pending, production.unexplained) == (("0002_log.sql",), ())
    assert [one.what for one in production.differences] == ["table log", "trigger noted"]
    assert len(report.databases[0].between) == 2


def test_what_nobody_wrote_is_drift_and_fails(notes: Grid) -> None:
    notes.sql("CREATE INDEX by_hand ON notes (body)", PRODUCTION)
    ran = notes.run("schema", "diff")
    assert ran.code == 1
    assert "≠ index by_hand: only in production (on notes (body))" in ran.out


def test_staging_that_lacks_a_migration_fails_and_names_it(notes: Grid) -> None:
    notes.write(**{"0002_log": LOG})
    document = notes.json("schema", "diff", "--env", "staging")
    (side,) = document["databases"][0]["sides"]
    assert side["pending"] == ["0002_log.sql"]
    assert {"what": "table log", "left": "is there", "right": ""} in side["differences"]


def test_a_database_that_cannot_be_read_is_not_measured(notes: Grid) -> None:
    notes.client.call("DELETE", f"/d1/database/{notes.database().id}")
    report = schema_diff(notes.edge, environment=STAGING)
    assert report.outcome is Outcome.NOT_MEASURED
    assert "could not be found" in report.databases[0].sides[0].problem


KINDS = {
    "add-not-null": "ALTER TABLE t ADD COLUMN c TEXT NOT NULL;",
    "add-default-expression": "ALTER TABLE t ADD COLUMN c TEXT DEFAULT CURRENT_TIMESTAMP;",
    "add-check": "ALTER TABLE t ADD COLUMN c INT DEFAULT 1 CHECK (c > 1);",
    "add-references-default": "ALTER TABLE t ADD COLUMN c INT DEFAULT 1 REFERENCES t (id);",
    "add-generated-not-null": "ALTER TABLE t ADD COLUMN c TEXT NOT NULL AS (lower(body));",
    "unique-index": "CREATE UNIQUE INDEX u ON t (kind);",
    "rebuild-not-null": "CREATE TABLE n (id INTEGER PRIMARY KEY, body TEXT NOT NULL);"
    " INSERT INTO n SELECT id, body FROM t;",
    "rebuild-foreign-key": "CREATE TABLE n (id INTEGER PRIMARY KEY, kind INT REFERENCES p (id));"
    " INSERT INTO n SELECT id, kind FROM t;",
}
FULL = "INSERT INTO t VALUES (1, NULL, 7), (2, NULL, 7);"


def test_all_eight_kinds_pass_on_empty_staging_and_fail_on_full_production_and_lint_names_each(notes: Grid) -> None:
    base = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT, kind INT);"
    undo = "DROP TABLE IF EXISTS n; DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS p;"
    for rule, sql in KINDS.items():
        empty, full = notes.database(), notes.database(PRODUCTION)
        d1.write(notes.client, empty.id, f"{undo} {base}")
        d1.write(notes.client, empty.id, sql)
        d1.write(notes.client, full.id, f"{undo} {base} {FULL}")
        with pytest.raises(ApiError):
            d1.write(notes.client, full.id, sql)
        notes.write(**{"0002_base": f"{base}\n", "0003_kind": f"{sql}\n"})
        found = notes.json("schema", "lint")["findings"]
        assert rule in {one["rule"] for one in found if one["file"].endswith("0003_kind.sql")}, rule
