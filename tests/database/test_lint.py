"""Each rule of `schema lint` is seen to fire on its fault, and to be silent on the safe way."""

from __future__ import annotations

from pathlib import Path

import pytest

from cattlegrid.database.migrations import Migration
from cattlegrid.database.schema.lint import Finding, lint
from cattlegrid.model.target import Database

BASE = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, author TEXT, size INTEGER NOT NULL DEFAULT 0);
CREATE TABLE tags (note INTEGER NOT NULL REFERENCES notes (id), tag TEXT NOT NULL, PRIMARY KEY (note, tag));
CREATE TABLE likes (id INTEGER PRIMARY KEY, tag TEXT REFERENCES words (word) ON DELETE CASCADE);
CREATE TABLE words (word TEXT PRIMARY KEY);
"""
COPY = (
    "CREATE TABLE n (id INTEGER PRIMARY KEY, {0}); INSERT INTO n {1};"
    " DROP TABLE notes2; ALTER TABLE n RENAME TO notes2;"
)
LONG, MANY = "x" * 100_000, ", ".join("1" * 33)
UNIONS = " UNION ".join(f"SELECT '{letter}'" for letter in "abcdef")


def linted(folder: Path, *files: str) -> tuple[Finding, ...]:
    """What is found in the last of the files."""
    found = []
    for number, text in enumerate((BASE, *files)):
        path = folder / f"{number:04}.sql"
        path.write_text(text)
        found.append(Migration.of(path, path.name))
    applied = frozenset(one.name for one in found[:-1])
    return lint(Database("DB", "", "", folder), found, applied).findings


def rebuild(columns: str, select: str) -> tuple[str, str]:
    """The files of a rebuild of `notes2`, which nothing refers to."""
    return (
        "CREATE TABLE notes2 (id INTEGER PRIMARY KEY, body TEXT, author TEXT);",
        COPY.format(columns, select),
    )


FAULTS = {
    "add-not-null": ("ALTER TABLE notes ADD COLUMN kind TEXT NOT NULL;",),
    "add-default-expression": ("ALTER TABLE notes ADD COLUMN at TEXT DEFAULT CURRENT_TIMESTAMP;",),
    "add-check": ("ALTER TABLE notes ADD COLUMN kind TEXT DEFAULT 'x' CHECK (kind IN ('a', 'b'));",),
    "add-references-default": ("ALTER TABLE notes ADD COLUMN word TEXT DEFAULT 'x' REFERENCES words (word);",),
    "add-generated-not-null": ("ALTER TABLE notes ADD COLUMN low TEXT NOT NULL AS (lower(body));",),
    "unique-index": ("CREATE UNIQUE INDEX by_author ON notes (author);",),
    "rebuild-not-null": rebuild("body TEXT NOT NULL", "SELECT id, body FROM notes2"),
    "rebuild-check": rebuild("body TEXT CHECK (length(body) > 3)", "SELECT id, body FROM notes2"),
    "rebuild-unique": rebuild("body TEXT UNIQUE", "SELECT id, body FROM notes2"),
    "rebuild-foreign-key": rebuild("body TEXT REFERENCES words (word)", "SELECT id, body FROM notes2"),
    "rebuild-loses-rows": (rebuild("body TEXT", "SELECT 1")[0], COPY.replace("INSERT", "INSERT OR IGNORE").format(
        "body TEXT NOT NULL", "SELECT id, body FROM notes2")),
    "drop-table": ("DROP TABLE likes;",),
    "drop-cascades": ("DROP TABLE words;",),
    "drop-referenced": ("DROP TABLE IF EXISTS notes;",),
    "drop-column": ("ALTER TABLE notes DROP COLUMN author;",),
    "delete-all": ("DELETE FROM notes;",),
    "update-all": ("UPDATE notes SET author = (SELECT word FROM words WHERE word > 'a');",),
    "replaces-rows": ("INSERT OR REPLACE INTO notes (id, body) VALUES (1, 'a');",),
    "ignores-rows": ("INSERT OR IGNORE INTO words SELECT body FROM notes;",),
    "rename": ("ALTER TABLE notes RENAME COLUMN body TO content;",),
    "statement-too-long": ("INSERT INTO words VALUES ('LONG');".replace("LONG", LONG),),
    "too-many-columns": (f"CREATE TABLE wide ({', '.join(f'c{n}' for n in range(101))});",),
    "compound-select": (f"INSERT INTO words {UNIONS};",),
    "too-many-arguments": ("INSERT INTO words VALUES (json_array(MANY));".replace("MANY", MANY),),
    "pattern-too-long": ("DELETE FROM words WHERE word LIKE '%LONG%';".replace("LONG", LONG[:50]),),
    "not-allowed": ("BEGIN; COMMIT;",),
    "foreign-keys-stay-on": ("PRAGMA foreign_keys = off;",),
    "writes-the-ledger": ("INSERT INTO d1_migrations (name) VALUES ('0009_x.sql');",),
    "no-semicolon": ("INSERT INTO words VALUES ('a')",),
    "does-not-run": ("INSERT INTO nowhere VALUES ('a');",),
    "unique-with-null": ("CREATE TABLE seen (a TEXT NOT NULL, b TEXT NOT NULL, c TEXT, UNIQUE (a, b, c));",),
}  # fmt: skip

SAFE = {
    "a nullable column": "ALTER TABLE notes ADD COLUMN kind TEXT;",
    "a constant default": "ALTER TABLE notes ADD COLUMN kind TEXT NOT NULL DEFAULT 'a' CHECK (kind IN ('a', 'b'));",
    "a reference that is null": "ALTER TABLE notes ADD COLUMN word TEXT REFERENCES words (word);",
    "a unique index on a new table": "CREATE TABLE fresh (a TEXT); CREATE UNIQUE INDEX by_a ON fresh (a);",
    "a unique index that a key implies": "CREATE UNIQUE INDEX again ON tags (tag, note);",
    "rows named by WHERE": "DELETE FROM notes WHERE id = 1; UPDATE notes SET body = '' WHERE body IS NULL;",
    "a new table thrown away": "CREATE TABLE scratch (a); DELETE FROM scratch; DROP TABLE scratch;",
    "an upsert": "INSERT INTO words VALUES ('a') ON CONFLICT (word) DO UPDATE SET word = excluded.word;",
    "a trigger that deletes": "CREATE TRIGGER t AFTER DELETE ON words BEGIN DELETE FROM likes WHERE id = 1; END;",
    "a full text table": "CREATE VIRTUAL TABLE f USING fts5(body, content='notes', content_rowid='id');",
}


@pytest.mark.parametrize("rule", list(FAULTS))
def test_the_fault_is_found(tmp_path: Path, rule: str) -> None:
    found = linted(tmp_path, *FAULTS[rule])
    assert rule in {one.rule for one in found}
    assert all(one.safe for one in found)


@pytest.mark.parametrize("what", list(SAFE))
def test_the_safe_way_is_silent(tmp_path: Path, what: str) -> None:
    assert linted(tmp_path, SAFE[what]) == ()


def test_a_careful_rebuild_is_silent(tmp_path: Path) -> None:
    assert linted(tmp_path, *rebuild("body TEXT NOT NULL", "SELECT id, coalesce(body, '') FROM notes2")) == ()


def test_the_finding_says_where_and_why_and_what_instead(tmp_path: Path) -> None:
    (found,) = linted(tmp_path, "SELECT 1;\n-- more\nALTER TABLE notes ADD COLUMN kind TEXT NOT NULL;")
    assert (found.line, found.file.rpartition("/")[2]) == (3, "0001.sql")
    assert found.what == (
        "adding notes.kind fails where notes has rows: Cannot add a NOT NULL column with default value NULL"
    )
    assert found.safe == "NOT NULL DEFAULT <a constant>, or nullable and filled with UPDATE"


def test_files_that_are_applied_already_are_not_looked_at(tmp_path: Path) -> None:
    assert linted(tmp_path, "DROP TABLE likes;", "SELECT 1;") == ()
