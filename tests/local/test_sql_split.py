from __future__ import annotations

import random
import sqlite3

import pytest

from cattlegrid.local.sql.split import Splitter, split


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # repeatable text, not a secret


TRIGGER = """CREATE TRIGGER IF NOT EXISTS keep AFTER INSERT ON a BEGIN
  UPDATE b SET n = CASE WHEN new.x = ';' THEN 1 ELSE CASE new.x WHEN 'end' THEN 2 END END; -- END;
  DELETE FROM b WHERE n > 9; /* ; END ; */
END"""


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        (" ;; -- nothing\n; /* ; */ ", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', 'it''s; ok'; SELECT 2", ["SELECT ';', 'it''s; ok'", "SELECT 2"]),
        ('SELECT "a;b", `c;d`, [e;f]', ['SELECT "a;b", `c;d`, [e;f]']),
        ("SELECT 1 -- ; no\n; SELECT 2 /* ; no */", ["SELECT 1 -- ; no", "SELECT 2 /* ; no */"]),
        (f"{TRIGGER}; SELECT 1", [TRIGGER, "SELECT 1"]),
        (f"EXPLAIN QUERY PLAN {TRIGGER}; SELECT 1", [f"EXPLAIN QUERY PLAN {TRIGGER}", "SELECT 1"]),
        ("CREATE TABLE trigger (a); SELECT 1", ["CREATE TABLE trigger (a)", "SELECT 1"]),
        ("SELECT 'never closed; SELECT 1", ["SELECT 'never closed; SELECT 1"]),
        ("\ufeffSELECT 1; SELECT 'a\\'; SELECT 2", ["SELECT 1", "SELECT 'a\\'", "SELECT 2"]),
        ("SELECT 1-1/1; SELECT 2", ["SELECT 1-1/1", "SELECT 2"]),
    ],
)
def test_a_statement_ends_only_where_sqlite_ends_it(sql: str, statements: list[str]) -> None:
    assert split(sql) == statements


PIECES = [
    ";",
    ";",
    ";",
    " ",
    "\n",
    "'",
    '"',
    "`",
    "[",
    "]",
    "--",
    "/*",
    "*/",
    "-",
    "/",
    "(",
    ")",
    "x",
    "1",
    "é",
    "end",
    "END",
]
PIECES += [
    "create",
    "CREATE",
    "temp",
    "temporary",
    "trigger",
    "TRIGGER",
    "explain",
    "begin",
    "case",
    "''",
    "end_",
    "table",
]


def test_random_text_ends_statements_where_sqlite3_complete_says() -> None:
    dice = seeded(20261124)
    looked_at = 0
    for _ in range(3000):
        text = ";" + "".join(dice.choice(PIECES) + dice.choice(["", " "]) for _ in range(dice.randrange(1, 25)))
        for end in (at + 1 for at, character in enumerate(text) if character == ";"):
            ended = len(split(text[:end] + "\nnext")) == len(split(text[:end])) + 1
            assert ended == sqlite3.complete_statement(text[:end]), text[:end]
            looked_at += 1
    assert looked_at > 3000


SCRIPT = [
    "INSERT INTO a VALUES ('x;y', 'it''s')",
    "INSERT INTO a VALUES ('--', '/*')",
    "INSERT INTO a SELECT 'end', CASE WHEN 1 THEN ';' END",
    'CREATE TABLE IF NOT EXISTS "odd;name" ([c;d] TEXT, `e;f`)',
    "INSERT INTO \"odd;name\" VALUES ('(', ')')",
    TRIGGER,
    "-- only a comment; here\nUPDATE b SET n = n + 1",
    "/* ; */ DELETE FROM a WHERE x = 'never'",
    "",
]


def test_statement_by_statement_has_the_effect_of_the_whole_script() -> None:
    dice = seeded(4)
    for _ in range(150):
        chosen = [SCRIPT[3], *(dice.choice(SCRIPT) for _ in range(dice.randrange(1, 20)))]
        script = dice.choice([";", " ;\n", "; -- ;\n", ";;"]).join(chosen)
        assert _dump(whole=script) == _dump(pieces=split(script)), script


def _dump(*, whole: str = "", pieces: list[str] | None = None) -> list[str]:
    database = sqlite3.connect(":memory:")
    database.executescript("CREATE TABLE a (x, y); CREATE TABLE b (n); INSERT INTO b VALUES (1)")
    database.executescript(whole)
    for piece in pieces or []:
        database.execute(piece)
    return list(database.iterdump())


def test_text_in_pieces_splits_as_the_whole_does() -> None:
    dice = seeded(7)
    whole = ";\n".join(SCRIPT * 5)
    for _ in range(50):
        splitter, at, found = Splitter(), 0, list[str]()
        while at < len(whole):
            step = dice.randrange(1, 40)
            found += splitter.feed(whole[at : at + step])
            at += step
        assert [*found, *splitter.close()] == split(whole)
