"""What passes on an empty staging and fails on a populated production is found, with the row that makes it fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirror_files import FileWriter, filled

from cattlegrid.clock import Clock
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.rehearsal import Rehearsed, rehearse, statements

TABLES = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, age INTEGER)",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER, title TEXT)",
)
ROWS = (
    "INSERT INTO users VALUES (1, 'a@x', 20), (2, 'a@x', NULL), (3, NULL, 30)",
    "INSERT INTO posts VALUES (10, 1, 't'), (11, 99, 'orphan')",
)
REBUILD = "CREATE TABLE n ({0}); INSERT INTO n SELECT * FROM {1}; DROP TABLE {1}; ALTER TABLE n RENAME TO {1}"
EIGHT = {
    "NOT NULL without a default": "ALTER TABLE users ADD COLUMN plan TEXT NOT NULL",
    "an expression as default": "ALTER TABLE users ADD COLUMN made TEXT DEFAULT CURRENT_TIMESTAMP",
    "a CHECK that the default violates": "ALTER TABLE users ADD COLUMN score INTEGER DEFAULT 0 CHECK (score > 0)",
    "REFERENCES with a default": "ALTER TABLE posts ADD COLUMN owner INTEGER DEFAULT 1 REFERENCES users (id)",
    "a NOT NULL generated column": "ALTER TABLE users ADD COLUMN low TEXT NOT NULL AS (lower(email)) VIRTUAL",
    "a unique index over duplicates": "CREATE UNIQUE INDEX users_email ON users (email)",
    "a rebuild into NOT NULL": REBUILD.format("id INTEGER PRIMARY KEY, email TEXT NOT NULL, age INTEGER", "users"),
    "a reference that rows violate": REBUILD.format(
        "id INTEGER PRIMARY KEY, author INTEGER REFERENCES users (id), title TEXT", "posts"
    ),
}


def run(folder: Path, *migrations: str, rows: tuple[str, ...] = ROWS) -> tuple[Rehearsed, ...]:
    with OnFile(filled(folder / "copy.db", *TABLES, *rows)) as engine:
        named = [(f"{number:04}.sql", sql) for number, sql in enumerate(migrations)]
        return rehearse(FileWriter(engine), named, Clock())


@pytest.mark.parametrize("kind", EIGHT)
def test_each_of_the_eight_kinds_fails_with_rows_and_passes_without(kind: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (empty,) = run(tmp_path / "empty", EIGHT[kind], rows=())
    (found,) = run(tmp_path, EIGHT[kind])
    assert found.failure
    assert found.statement
    assert not empty.failure


def test_the_rows_that_stand_in_the_way_are_named(tmp_path: Path) -> None:
    said = {}
    for kind, sql in EIGHT.items():
        (tmp_path / str(len(said))).mkdir()
        said[kind] = run(tmp_path / str(len(said)), sql)[0].row
    assert said["a unique index over duplicates"] == "2 rows of users are equal there, rows 1 and 2 among them"
    assert said["a rebuild into NOT NULL"] == "1 rows of users have no email, row 3 first"
    assert said["a reference that rows violate"].startswith("1 rows of posts reference a missing row of users")
    assert "users has 3 rows" in said["NOT NULL without a default"]


def test_rows_lost_and_changed_are_told_by_migration_and_table(tmp_path: Path) -> None:
    first, second = run(
        tmp_path,
        "INSERT OR REPLACE INTO users SELECT 1, email, age FROM users WHERE id > 1; DELETE FROM users WHERE id = 2",
        "UPDATE posts SET title = upper(title); INSERT INTO posts VALUES (12, 1, 'new')",
    )
    assert [(one.table, one.before, one.after, one.lost, one.changed) for one in first.effects] == [
        ("users", 3, 2, 1, 1)
    ]
    assert [(one.table, one.lost, one.changed, one.after) for one in second.effects] == [("posts", 0, 2, 3)]


def test_a_cascade_that_empties_children_is_told(tmp_path: Path) -> None:
    rows = (
        "CREATE TABLE likes (id INTEGER PRIMARY KEY, who INTEGER REFERENCES users (id) ON DELETE CASCADE)",
        *ROWS,
        "INSERT INTO likes VALUES (1, 1), (2, 3)",
    )
    (found,) = run(tmp_path, "DELETE FROM users", rows=rows)
    assert {one.table: one.lost for one in found.effects} == {"users": 3, "likes": 2}


def test_a_rebuild_that_loses_nothing_is_quiet(tmp_path: Path) -> None:
    sql = (
        "CREATE TABLE n (id INTEGER PRIMARY KEY, email TEXT, age INTEGER, x TEXT); INSERT INTO n (id, email, age)"
        " SELECT id, email, age FROM users; DROP TABLE users; ALTER TABLE n RENAME TO users"
    )
    (found,) = run(tmp_path, sql)
    assert (found.failure, found.effects, found.broken_references) == ("", (), 0)


def test_statements_end_where_sqlite_ends_them() -> None:
    sql = "-- a; b\nCREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT ';'; SELECT 2; END;\nSELECT 1 -- end"
    assert len(list(statements(sql))) == 2
