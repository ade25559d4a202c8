from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mirror_files import KEY, FileWriter, filled, job, mirrored

from cattlegrid.errors import Failed, Refused
from cattlegrid.mirror import policy, run, schema, shapes
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.policy import Resolved
from cattlegrid.mirror.schema import literal
from cattlegrid.model.check import Outcome
from cattlegrid.model.fleet import MirrorSettings

TABLES = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE, nick TEXT NOT NULL, born TEXT, age INTEGER)",
    "CREATE TABLE mails (id INTEGER PRIMARY KEY, sender TEXT REFERENCES people (email), body TEXT)",
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE VIRTUAL TABLE search USING fts5 (body, content = 'mails', content_rowid = 'id')",
    "INSERT INTO people VALUES (1, 'ada@corp.io', 'ada', '1815-12-10', 36), (2, 'bob@corp.io', 'bob', NULL, 5)",
    "INSERT INTO mails VALUES (1, 'ada@corp.io', 'Dear Countess Lovelace'), (2, NULL, 'nothing')",
    "INSERT INTO search (search) VALUES ('rebuild')",
)
MASK = {"people.email": "email", "people.nick": "name", "people.born": "date-shift", "mails.body": "text"}


@pytest.fixture
def production(tmp_path: Path) -> Path:
    return filled(tmp_path / "production.db", *TABLES)


def resolved(production: Path, mask: dict[str, object], **more: tuple[str, ...]) -> Resolved:
    with OnFile(production, read_only=True) as engine:
        return policy.resolve(schema.read(engine), MirrorSettings(mask=mask, **more), KEY)


def rows(file: Path, sql: str) -> list[tuple[object, ...]]:
    import sqlite3  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415

    with closing(sqlite3.connect(file)) as db:
        return db.execute(sql).fetchall()


def test_an_undecided_column_stops_the_mirror_with_the_lines_to_add(production: Path) -> None:
    found = resolved(production, {"people.email": "email"})
    with pytest.raises(Refused, match="3 columns may hold text") as refused:
        policy.refuse_open(found, "database p")
    assert '  "people.nick" = "text"\n  "people.born" = "text"\n  "mails.body" = "text"' in refused.value.what
    assert "sender" not in refused.value.what


def test_masked_rows_join_as_before_and_their_search_finds_the_masked_text(production: Path, tmp_path: Path) -> None:
    copied = mirrored(production, tmp_path / "s.db", rules=resolved(production, dict(MASK)).rules)
    assert copied.outcome is Outcome.PASS, copied.checks
    assert rows(tmp_path / "s.db", "SELECT p.id FROM mails m JOIN people p ON p.email = m.sender") == [(1,)]
    assert rows(tmp_path / "s.db", "SELECT count(*) FROM search WHERE search MATCH 'Countess'") == [(0,)]
    ((body,),) = rows(tmp_path / "s.db", "SELECT body FROM mails WHERE id = 1")
    assert rows(tmp_path / "s.db", f"SELECT rowid FROM search WHERE search MATCH '{str(body).split()[1]}'") == [(1,)]
    raw = (tmp_path / "s.db").read_bytes()
    assert not [word for word in (b"ada@corp", b"Countess", b"Lovelace", b"1815-12-10") if word in raw]


def test_null_and_const_are_never_even_read(production: Path, tmp_path: Path) -> None:
    found = resolved(production, {**MASK, "mails.body": "const:gone", "people.born": "null"})
    assert found.rules.blank["mails"] == {"body"}
    mirrored(production, tmp_path / "s.db", rules=found.rules)
    assert rows(tmp_path / "s.db", "SELECT body FROM mails") == [("gone",), ("gone",)]
    assert rows(tmp_path / "s.db", "SELECT born FROM people") == [(None,), (None,)]


def test_an_original_left_in_a_kept_column_fails_the_leak_scan(production: Path, tmp_path: Path) -> None:
    filled(production, "UPDATE people SET nick = 'see Countess@home.org' WHERE id = 1")
    found = resolved(production, {**MASK, "people.nick": "keep"})
    copied = mirrored(production, tmp_path / "s.db", rules=found.rules)
    assert copied.outcome is Outcome.FAIL
    assert copied.checks[-1].detail == (
        "people.nick holds an e-mail address; choose a mask under [mirror.mask],"
        ' or say under [mirror] that it is meant: accept = ["people.nick"]'
    )


def test_an_original_is_found_in_a_table_that_was_copied_before_it(production: Path, tmp_path: Path) -> None:
    filled(production, "CREATE TABLE a_log (v TEXT)", "INSERT INTO a_log VALUES ('sent to Countess-Lovelace-1815, ok')")
    filled(production, "UPDATE mails SET body = 'Countess-Lovelace-1815' WHERE id = 2")
    copied = mirrored(production, tmp_path / "s.db", rules=resolved(production, {**MASK, "a_log.v": "keep"}).rules)
    assert copied.checks[-1].detail.startswith("a_log.v holds the original of a masked value")


def test_a_run_that_takes_up_another_still_finds_what_that_one_copied(production: Path, tmp_path: Path) -> None:
    filled(
        production, "UPDATE people SET nick = 'x Dear.Countess' WHERE id = 1", "UPDATE mails SET body = 'Dear.Countess'"
    )
    rules = resolved(production, {**MASK, "people.nick": "keep"}).rules
    with OnFile(production, read_only=True) as here, OnFile(tmp_path / "s.db") as there:
        first, second = (run.run(job(here, FileWriter(there), rules=rules), Leaks(rules)) for _ in range(2))
    assert second.resumed > 0
    for copied in (first, second):
        assert copied.checks[-1].detail.startswith("people.nick holds the original of a masked value")


@pytest.mark.parametrize(
    ("mask", "value"),
    [
        ("text", "printf('%06d', (n * 7919) % 1000000)"),
        ("date-shift", "date('1950-01-01', n || ' days')"),
        ("name", "CASE n % 2 WHEN 0 THEN 'James Smith' ELSE 'Mary Brown ' || n END"),
        ("json", """printf('{"plan":"free","n":%d}', n)"""),
    ],
)
def test_masked_values_that_are_somebody_else_s_originals_are_no_leak(tmp_path: Path, mask: str, value: str) -> None:
    numbers = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000)"
    tables = (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, kept TEXT)",
        f"{numbers} INSERT INTO t SELECT n, {value}, '2001-05-05' FROM c",
    )
    production = filled(tmp_path / "production.db", *tables)
    chosen: object = {"$.email": "email", "*": "keep"} if mask == "json" else mask
    found = resolved(production, {"t.v": chosen, "t.kept": "keep"})
    copied = mirrored(production, tmp_path / "s.db", rules=found.rules)
    assert copied.outcome is Outcome.PASS, copied.checks[-1]


def test_a_mask_that_leaves_values_as_they_were_fails_the_leak_scan(production: Path, tmp_path: Path) -> None:
    class Lazy:
        def text(self, value: str) -> str:
            return value.replace("Dear", "Fear")

        def other(self, letter: str, value: object) -> tuple[str, object]:
            return letter, value

    found = resolved(production, dict(MASK)).rules
    masks = {**found.tables["mails"].masks, "body": Lazy()}
    rules = replace(found, tables={**found.tables, "mails": replace(found.tables["mails"], masks=masks)})
    copied = mirrored(production, tmp_path / "s.db", rules=rules)
    assert copied.checks[-1].detail.startswith("mails.body holds values that their mask left as they were")


def test_text_in_a_column_that_was_declared_a_number_stops_the_mirror(production: Path, tmp_path: Path) -> None:
    filled(production, "UPDATE people SET age = 'call ada@corp.io' WHERE id = 2")
    with pytest.raises(Failed, match="declared as a number") as failed:
        mirrored(production, tmp_path / "s.db", rules=resolved(production, dict(MASK)).rules)
    assert failed.value.where == "table people, column age"
    assert "ada@corp.io" not in str(failed.value)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        ({"people.id": "number"}, "is the key by which the table's rows are addressed"),
        ({"people.nick": "null"}, "is declared NOT NULL"),
        ({"people.email": "const:x"}, "is unique: one constant for every row"),
        ({"mails.sender": "hash"}, "is masked as 'hash' and references people.email, masked as 'email'"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(production: Path, mask: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        policy.refuse_open(resolved(production, {**MASK, **mask}), "database p")


def test_a_table_of_schema_only_arrives_empty(production: Path, tmp_path: Path) -> None:
    found = resolved(production, dict(MASK), schema_only=("mails",))
    policy.refuse_open(found, "database p")
    mirrored(production, tmp_path / "s.db", rules=found.rules)
    assert rows(tmp_path / "s.db", "SELECT count(*) FROM mails") == [(0,)]


FORMS = {
    "email": ("a@b.io", "c.d@e.org"),
    "url": ("https://a.io/x", "http://b.io"),
    "json": ('{"a": 1}', "[2]"),
    "date-shift": ("2026-11-25", "2024-02-29T10:00:00Z"),
    "ip": ("10.0.0.1", "192.168.1.20"),
    "phone": ("+49 30 123456", "+1 (212) 555-0100"),
    "text": ("some words", "10.0 and 4.5.6.7"),
}


def test_proposals_are_made_from_the_form_of_values_where_the_name_says_nothing(tmp_path: Path) -> None:
    columns = {mask: f"c{at}" for at, mask in enumerate(FORMS)}
    create = f"CREATE TABLE t ({', '.join(f'{column} TEXT' for column in columns.values())}, email TEXT, status TEXT)"
    rows = [
        f"INSERT INTO t VALUES ({', '.join(literal(its[at]) for its in FORMS.values())}, 'x y', NULL)" for at in (0, 1)
    ]
    with OnFile(filled(tmp_path / "p.db", create, *rows)) as engine:
        undecided = policy.resolve(schema.read(engine), MirrorSettings(), KEY, ()).open
        said = {one.column: one.suggestion for one in shapes.proposed(engine, undecided)}
    assert said == {column: mask for mask, column in columns.items()} | {"email": "email", "status": "keep"}
