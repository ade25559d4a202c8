from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from d1_calls import Database

pytestmark = pytest.mark.slow
FIRST = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE VIRTUAL TABLE found USING fts5 (body, content = 'notes', content_rowid = 'id');
CREATE TRIGGER notes_added AFTER INSERT ON notes BEGIN
  INSERT INTO found (rowid, body) VALUES (new.id, CASE WHEN new.body = '' THEN ';' ELSE new.body END);
END;
INSERT INTO notes (body) VALUES ('semi;colon');
"""


@pytest.fixture
def migrations(database: Database, wrangler: Callable[..., str], tmp_path: Path) -> Path:
    """The folder of a project's migrations, with the first one written."""
    bound = {"binding": "DB", "database_name": database.name, "database_id": database.uuid}
    config = {"name": database.name, "compatibility_date": "2026-01-01", "d1_databases": [bound]}
    (tmp_path / "wrangler.jsonc").write_text(json.dumps(config))
    wrangler("d1", "migrations", "create", "DB", "first")
    (tmp_path / "migrations" / "0001_first.sql").write_text(FIRST)
    return tmp_path / "migrations"


def test_wrangler_lists_applies_and_records_migrations(
    database: Database, wrangler: Callable[..., str], migrations: Path
) -> None:
    assert "0001_first.sql" in wrangler("d1", "migrations", "list", "DB", "--remote")
    wrangler("d1", "migrations", "apply", "DB", "--remote")
    assert database.raw("SELECT name FROM d1_migrations") == [["0001_first.sql"]]
    assert database.raw("SELECT rowid FROM found WHERE found MATCH 'colon'") == [[1]]
    assert "No migrations to apply" in wrangler("d1", "migrations", "list", "DB", "--remote")


def test_a_migration_that_fails_is_not_recorded_and_leaves_nothing(
    database: Database, wrangler: Callable[..., str], wrangler_fails: Callable[..., str], migrations: Path
) -> None:
    wrangler("d1", "migrations", "apply", "DB", "--remote")
    (migrations / "0002_second.sql").write_text("INSERT INTO notes (body) VALUES ('two'); INSERT INTO nope VALUES (1);")
    assert "no such table: nope" in wrangler_fails("d1", "migrations", "apply", "DB", "--remote")
    assert database.raw("SELECT count(*) FROM notes") == [[1]]
    assert database.raw("SELECT count(*) FROM d1_migrations") == [[1]]


def test_insights_are_empty_and_no_error(database: Database, wrangler: Callable[..., str]) -> None:
    said = wrangler("d1", "insights", database.name)
    assert json.loads(said[said.index("[") :]) == []
