from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from d1_calls import Database

pytestmark = pytest.mark.slow

SQL = b"""-- a header; with a semicolon
CREATE TABLE a (x); CREATE TABLE b (n);
CREATE TRIGGER keep AFTER INSERT ON a BEGIN
  INSERT INTO b SELECT CASE WHEN new.x = ';' THEN 1 ELSE 2 END; -- ; END;
END;
INSERT INTO a VALUES (';'), ('it''s');
"""


def begin(database: Database, sql: bytes) -> dict[str, Any]:
    """Uploads a file if it has to be, and gives the first answer about its import."""
    etag = hashlib.md5(sql, usedforsecurity=False).hexdigest()
    init = database.post("import", {"action": "init", "etag": etag}).json()["result"]
    if "upload_url" not in init:
        return dict(init)
    uploaded = httpx2.put(init["upload_url"], content=sql, trust_env=False)
    assert (uploaded.status_code, uploaded.headers["etag"].strip('"')) == (200, etag)
    return ingest(database, init["filename"], etag)


def ingest(database: Database, filename: str, etag: str) -> dict[str, Any]:
    answer = database.post("import", {"action": "ingest", "filename": filename, "etag": etag})
    return dict(answer.json()["result"])


def finished(database: Database, answer: dict[str, Any]) -> dict[str, Any]:
    while answer["success"] and answer["status"] == "active":
        body = {"action": "poll", "current_bookmark": answer["at_bookmark"]}
        answer = database.post("import", body).json()["result"]
    return answer


def test_a_file_is_imported_and_every_statement_counted(database: Database) -> None:
    answer = finished(database, begin(database, SQL))
    assert (answer["status"], answer["result"]["num_queries"]) == ("complete", 4)
    assert {"duration", "rows_read", "rows_written", "size_after"} <= set(answer["result"]["meta"])
    assert answer["result"]["final_bookmark"] == database.bookmark()
    assert database.raw("SELECT n FROM b ORDER BY n") == [[1], [2]]


def test_a_file_that_was_uploaded_before_needs_no_upload(database: Database) -> None:
    sql = b"CREATE TABLE IF NOT EXISTS a (x); INSERT INTO a VALUES (1);"
    finished(database, begin(database, sql))
    init = database.post("import", {"action": "init", "etag": hashlib.md5(sql, usedforsecurity=False).hexdigest()})
    assert "upload_url" not in init.json()["result"]
    assert finished(database, init.json()["result"])["status"] == "complete"
    assert database.raw("SELECT count(*) FROM a") == [[2]]


def test_a_failing_file_says_why_and_leaves_the_database_as_it_was(database: Database) -> None:
    database.raw("CREATE TABLE a (x); INSERT INTO a VALUES (0)")
    before = database.bookmark()
    many = b"".join(b"INSERT INTO a VALUES (%d);\n" % number for number in range(12_000))
    answer = finished(database, begin(database, many + b"INSERT INTO nope VALUES (1);"))
    assert (answer["status"], answer["errors"]) == ("error", ["no such table: nope: SQLITE_ERROR"])
    assert answer["at_bookmark"] == before
    assert database.raw("SELECT x FROM a") == [[0]]


def test_a_database_is_blocked_while_it_is_imported_into_and_free_afterwards(database: Database) -> None:
    many = b"".join(b"INSERT INTO a VALUES (%d);\n" % number for number in range(120_000))
    answer = begin(database, b"CREATE TABLE a (x);\n" + many)
    busy = (400, 7500, "Currently processing a long-running import.")
    assert answer["status"] == "active"
    assert database.refusal({"sql": "SELECT 1"}) == busy
    assert begin(database, SQL)["error"] == busy[2]
    assert finished(database, answer)["result"]["num_queries"] == 120_001
    assert database.raw("SELECT count(*), sum(x) FROM a") == [[120_000, 120_000 * 119_999 // 2]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"action": "poll", "current_bookmark": "x"}, "Not currently importing anything."),
        ({"action": "ingest", "filename": "x", "etag": "0" * 32}, "The file was not uploaded"),
    ],
)
def test_a_step_out_of_order_is_an_error_of_the_import(database: Database, body: object, words: str) -> None:
    answer = database.post("import", body).json()["result"]
    assert answer["success"] is False
    assert answer["error"].startswith(words)


@pytest.mark.parametrize("body", [{}, {"action": "go"}, {"action": "init"}, {"action": "init", "etag": "abc"}])
def test_a_malformed_import_is_7400(database: Database, body: object) -> None:
    assert database.refusal(body, "import")[:2] == (400, 7400)


def test_an_upload_is_refused_without_its_signature(database: Database) -> None:
    init = database.post("import", {"action": "init", "etag": "0" * 32}).json()["result"]
    other = init["upload_url"].replace("/d1/", "/d1/x", 1)
    assert httpx2.put(other, content=b"SELECT 1", trust_env=False).status_code == 403


def test_other_bytes_than_announced_cannot_be_ingested(database: Database) -> None:
    init = database.post("import", {"action": "init", "etag": "0" * 32}).json()["result"]
    uploaded = httpx2.put(init["upload_url"], content=b"SELECT 1", trust_env=False)
    assert uploaded.headers["etag"].strip('"') != "0" * 32
    assert ingest(database, init["filename"], "0" * 32)["success"] is False


@pytest.mark.parametrize("sql", [b"", b"-- nothing\n;"])
def test_a_file_without_statements_is_an_error(database: Database, sql: bytes) -> None:
    assert finished(database, begin(database, sql))["error"] == "No SQL statements detected."


def test_a_file_that_is_no_text_is_an_error_and_changes_nothing(database: Database) -> None:
    answer = finished(database, begin(database, b"CREATE TABLE a (x); INSERT INTO a VALUES ('\xff')"))
    assert answer["error"] == "The file is not UTF-8 text."
    assert database.raw("SELECT count(*) FROM sqlite_schema WHERE name = 'a'") == [[0]]


def test_wrangler_imports_a_file_and_an_export_can_be_imported_again(
    database: Database, wrangler: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "in.sql").write_bytes(SQL)
    said = wrangler("d1", "execute", database.name, "--remote", "--json", "--file", "in.sql")
    assert json.loads(said[said.index("[\n") :])[0]["results"][0]["Total queries executed"] == 4
    wrangler("d1", "export", database.name, "--remote", "--output", "out.sql", "-y")
    database.raw("DROP TABLE a; DROP TABLE b")
    wrangler("d1", "execute", database.name, "--remote", "--file", "out.sql", "-y")
    assert database.raw("SELECT x FROM a") == [[";"], ["it's"]]


def test_wrangler_reports_the_failing_statement_of_a_file(
    database: Database, wrangler_fails: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "in.sql").write_text("INSERT INTO nope VALUES (1);")
    said = wrangler_fails("d1", "execute", database.name, "--remote", "--file", "in.sql")
    assert "no such table: nope: SQLITE_ERROR" in said
