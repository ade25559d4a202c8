"""Our statements end where SQLite's do: compared with the engine's own `sqlite3_complete` on text made to hurt."""

from __future__ import annotations

import sqlite3

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cattlegrid.database.sql import plain, statements, unclosed

QUOTED = ["'a;b'", "'it''s'", '"a;b"', "`a;b`", "[a;b]", "-- a;b\n", "/* a;b */"]
BROKEN = ["/*", "--", "'", '"', "`", "[", "]", "\n", " ", "é"]
HEADS = ["create", "CREATE", "temp", "temporary", "trigger", "explain", "query", "plan", "select"]
WORDS = [*HEADS, ";", "begin", "end", "END", "case", "when", "x", "1", "(", ")", ".", ","]
PIECES = [*QUOTED, *BROKEN, *WORDS, "create trigger t after insert on x begin select 1; end"]


def by_the_engine(text: str) -> list[str]:
    found, start = [], 0
    for at, character in enumerate(text):
        if character == ";" and sqlite3.complete_statement(text[start : at + 1]):
            found.append(text[start:at])
            start = at + 1
    return found


def ends(text: str) -> list[int]:
    """Where our statements end; those without a word are none for us and for the engine alike."""
    return [len(plain(one.text)) for one in statements(text) if one.ended]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
@example("create trigger t begin select 1; select case when 1 then 2 end; end; select 2;")
@example("create temp trigger t begin select ';'; /* ; */ end ; select 2;")
@example("explain create trigger t begin select 1; end; select 2;")
def test_statements_end_where_sqlite_ends_them(text: str) -> None:
    assert ends(text) == [len(plain(piece)) for piece in by_the_engine(text) if plain(piece)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join))
def test_text_that_would_swallow_what_is_written_behind_it_is_known(text: str) -> None:
    swallowed = plain(f"{text}\nafter_it").count("after_it") == 0
    assert unclosed(text) == swallowed


def test_a_statement_knows_its_line() -> None:
    found = statements("-- one\nSELECT 1;\n\n/* two\nlines */ SELECT\n2; SELECT 3")
    assert [(one.line, one.short, one.ended) for one in found] == [
        (2, "SELECT 1", True),
        (5, "SELECT 2", True),
        (6, "SELECT 3", False),
    ]
