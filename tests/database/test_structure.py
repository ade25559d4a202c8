"""Structure is compared, not text: two spellings of one thing are equal, every real difference has a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from cattlegrid.database.migrations import Migration
from cattlegrid.database.schema import local
from cattlegrid.database.schema.differ import differences
from cattlegrid.database.schema.structure import Structure
from cattlegrid.model.target import Database

DATABASE = Database("DB", "", "", None)
NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);"
WATCHED = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);
CREATE TRIGGER t AFTER INSERT ON notes BEGIN SELECT 'a;B'; END;
CREATE VIEW v AS SELECT id FROM notes;
"""
OTHERWISE = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);
create trigger T
  after insert on Notes begin select 'a;B' ; end ;create view V as select ID from NOTES;
"""


def built(folder: Path, *files: str) -> Structure:
    found = []
    for number, text in enumerate(files, 1):
        path = folder / f"{number:04}.sql"
        path.write_text(text)
        found.append(Migration.of(path, path.name))
    return local.made(DATABASE, found)


def said(folder: Path, left: str, right: str) -> list[str]:
    found = differences(built(folder, left), built(folder, right))
    return [one.sentence("the commit", "staging") for one in found]


SAME = {
    "case, blanks, quotes and comments": (
        NOTES,
        'create table if not exists "Notes" ( -- all of them\n  [ID] integer primary key , `body` Text );',
    ),
    "the same column by ALTER TABLE": (
        NOTES,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY);ALTER TABLE notes ADD body TEXT;",
    ),
    "a rebuild that changes nothing": (
        NOTES,
        f"{NOTES}CREATE TABLE n2 (id INTEGER PRIMARY KEY, body TEXT);DROP TABLE notes;ALTER TABLE n2 RENAME TO notes;",
    ),
    "an implicit foreign key target": (
        f"{NOTES}CREATE TABLE c (n INTEGER REFERENCES notes);",
        f"{NOTES}CREATE TABLE c (n INTEGER, FOREIGN KEY (n) REFERENCES notes (id));",
    ),
    "a check on the column or on the table, named or not": (
        "CREATE TABLE t (a INT CHECK (a > 0));",
        "CREATE TABLE t (a INT, CONSTRAINT positive CHECK (A > 0));",
    ),
    "a default in other quotes": ("CREATE TABLE t (a TEXT DEFAULT 'x');", 'CREATE TABLE t (a TEXT DEFAULT "x");'),
    "unique on the column or on the table": ("CREATE TABLE t (a INT UNIQUE);", "CREATE TABLE t (a INT, UNIQUE (a));"),
    "full text options in another order": (
        "CREATE VIRTUAL TABLE f USING fts5(a, b, tokenize = 'porter ascii', prefix='2 3');",
        'create virtual table f using FTS5(a,b,prefix="2 3",tokenize="porter ascii");',
    ),
    "a trigger and a view spelt otherwise": (WATCHED, OTHERWISE),
    "the ledger and the marker": (
        NOTES,
        f"{NOTES}CREATE TABLE _cattlegrid (name TEXT PRIMARY KEY, value TEXT NOT NULL);",
    ),
}

DIFFERENT = {
    "a table": (NOTES, "SELECT 1;", "table notes: only in the commit"),
    "a column": (
        NOTES, "CREATE TABLE notes (id INTEGER PRIMARY KEY);", "column notes body: only in the commit (TEXT)",
    ),
    "a type": (
        NOTES, NOTES.replace("TEXT", "BLOB"), "column notes.body: type: TEXT in the commit, BLOB in staging",
    ),
    "null": (
        NOTES,
        NOTES.replace("TEXT", "TEXT NOT NULL"),
        "column notes.body: null: nullable in the commit, NOT NULL in staging",
    ),
    "a default": (
        NOTES.replace("TEXT", "TEXT DEFAULT 'x'"),
        NOTES.replace("TEXT", "TEXT DEFAULT 'X'"),
        "column notes.body: default: 'x' in the commit, 'X' in staging",
    ),
    "the order of columns": (
        "CREATE TABLE t (a, b);", "CREATE TABLE t (b, a);",
        "table t: order of columns: a, b in the commit, b, a in staging",
    ),
    "a check": (
        "CREATE TABLE t (a CHECK (a > 0));", "CREATE TABLE t (a CHECK (a > 1));",
        "table t: check: only in the commit (a > 0)",
    ),
    "a collation": (
        "CREATE TABLE t (a TEXT COLLATE NOCASE);", "CREATE TABLE t (a TEXT);",
        "column t.a: collation: nocase in the commit, binary in staging",
    ),
    "a primary key": (
        "CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, b));", "CREATE TABLE t (a INT, b INT, PRIMARY KEY (b, a));",
        "table t: primary key: a, b in the commit, b, a in staging",
    ),
    "what a foreign key does": (
        f"{NOTES}CREATE TABLE c (n REFERENCES notes ON DELETE CASCADE);",
        f"{NOTES}CREATE TABLE c (n REFERENCES notes);",
        "table c: foreign key: only in the commit ((n) references notes (id) on delete CASCADE)",
    ),
    "deferral": (
        f"{NOTES}CREATE TABLE c (n REFERENCES notes DEFERRABLE INITIALLY DEFERRED);",
        f"{NOTES}CREATE TABLE c (n REFERENCES notes);",
        "table c: foreign key: only in the commit ((n) references notes (id) deferred)",
    ),
    "a generated column": (
        "CREATE TABLE t (a INT, b INT AS (a + 1) STORED);", "CREATE TABLE t (a INT, b INT AS (a + 2));",
        "column t.b: generated: stored (a + 1) in the commit, virtual (a + 2) in staging",
    ),
    "STRICT": (
        "CREATE TABLE t (a INT) STRICT;", "CREATE TABLE t (a INT);",
        "table t: STRICT: yes in the commit, no in staging",
    ),
    "WITHOUT ROWID": (
        "CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID;", "CREATE TABLE t (a INT PRIMARY KEY);",
        "table t: WITHOUT ROWID: yes in the commit, no in staging",
    ),
    "AUTOINCREMENT": (
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT);", "CREATE TABLE t (a INTEGER PRIMARY KEY);",
        "table t: AUTOINCREMENT: yes in the commit, no in staging",
    ),
    "an index": (
        f"{NOTES}CREATE UNIQUE INDEX i ON notes (body, lower(body) DESC) WHERE body > 'a';",
        f"{NOTES}CREATE INDEX i ON notes (body, lower(body) DESC) WHERE body > 'a';",
        (
            "index i: unique on notes (body, lower ( body ) desc) where body > 'a' in the commit,"
            " on notes (body, lower ( body ) desc) where body > 'a' in staging"
        ),
    ),
    "only an index's name": (
        f"{NOTES}CREATE INDEX i ON notes (body);", f"{NOTES}CREATE INDEX j ON notes (body);",
        "index on notes (body): name: i in the commit, j in staging",
    ),
    "a trigger's text": (
        f"{NOTES}CREATE TRIGGER t AFTER INSERT ON notes BEGIN SELECT 'a'; END;",
        f"{NOTES}CREATE TRIGGER t AFTER INSERT ON notes BEGIN SELECT 'A'; END;",
        "trigger t: … on notes begin select 'a' ; end in the commit, … on notes begin select 'A' ; end in staging",
    ),
    "a full text option": (
        "CREATE VIRTUAL TABLE f USING fts5(a, tokenize = 'porter');", "CREATE VIRTUAL TABLE f USING fts5(a);",
        "virtual table f: tokenize: porter in the commit, not set in staging",
    ),
    "a column of a full text table": (
        "CREATE VIRTUAL TABLE f USING fts5(a, b UNINDEXED);", "CREATE VIRTUAL TABLE f USING fts5(a, b);",
        "virtual table f: columns: a, b unindexed in the commit, a, b in staging",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(SAME))
def test_what_means_the_same_is_not_reported(tmp_path: Path, what: str) -> None:
    assert said(tmp_path, *SAME[what]) == []


@pytest.mark.parametrize("what", list(DIFFERENT))
def test_what_differs_is_reported_in_words(tmp_path: Path, what: str) -> None:
    left, right, sentence = DIFFERENT[what]
    assert sentence in said(tmp_path, left, right)


def test_a_file_that_does_not_run_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(local.CannotBuild, match=r"0002.sql:2: does not run on an empty database .*no such table: nope"):
        built(tmp_path, NOTES, "SELECT 1;\nALTER TABLE nope ADD a;")


def test_a_base_schema_that_wrangler_would_run_last_is_run_first_and_told(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text(NOTES)
    (tmp_path / "0003_more.sql").write_text("ALTER TABLE notes ADD more TEXT;")
    files = [Migration.of(tmp_path / name, name) for name in ("0003_more.sql", "schema.sql")]
    found = local.build(DATABASE, files)
    assert [file.name for file in found.files] == ["schema.sql", "0003_more.sql"]
    assert found.note == "schema.sql has to run first, and wrangler runs it last"


def test_a_base_schema_beside_the_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "schema.sql").write_text(NOTES)
    (tmp_path / "migrations/0003_more.sql").write_text("ALTER TABLE notes ADD more TEXT;")
    files = [Migration.of(tmp_path / "migrations/0003_more.sql", "0003_more.sql")]
    found = local.build(Database("DB", "", "", tmp_path / "migrations"), files)
    assert [file.name for file in found.base] == ["schema.sql"]
    assert [column.name for column in found.structure.tables["notes"].columns] == ["id", "body", "more"]
