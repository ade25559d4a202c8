from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from d1_calls import Database

pytestmark = pytest.mark.slow
BUSY = (400, 7500, "Currently processing a long-running export.")


def begin(database: Database, **options: object) -> dict[str, Any]:
    body = {"output_format": "polling", "dump_options": options}
    return dict(database.post("export", body).json()["result"])


def finished(database: Database, answer: dict[str, Any]) -> dict[str, Any]:
    while answer["success"] and answer["status"] == "active":
        body = {"output_format": "polling", "current_bookmark": answer["at_bookmark"]}
        answer = database.post("export", body).json()["result"]
    return answer


def exported(database: Database, **options: object) -> str:
    answer = finished(database, begin(database, **options))
    assert answer["status"] == "complete", answer
    return httpx2.get(answer["result"]["signed_url"], trust_env=False).text


@pytest.fixture
def filled(database: Database) -> Database:
    database.raw("CREATE TABLE a (x); CREATE TABLE b (y); CREATE INDEX i ON b (y)")
    database.raw("INSERT INTO a VALUES (1), ('it''s'); INSERT INTO b VALUES (NULL)")
    return database


def test_an_export_holds_schema_data_and_indexes(filled: Database) -> None:
    sql = exported(filled)
    assert sql.startswith("PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE a (x);")
    assert """INSERT INTO "a" ("x") VALUES('it''s');""" in sql
    assert "CREATE INDEX i ON b (y);" in sql


def test_schema_data_and_tables_can_be_asked_for_alone(filled: Database) -> None:
    assert "INSERT" not in exported(filled, no_data=True)
    assert "CREATE" not in exported(filled, no_schema=True)
    only = exported(filled, tables=["b"])
    assert 'INSERT INTO "b"' in only
    assert '"a"' not in only


def test_queries_are_refused_until_the_export_was_collected(filled: Database) -> None:
    answer = begin(filled)
    assert answer["status"] == "active"
    assert filled.refusal({"sql": "SELECT 1"}) == BUSY
    assert finished(filled, answer)["status"] == "complete"
    assert filled.raw("SELECT 1") == [[1]]


def test_an_export_that_is_not_polled_is_cancelled_and_the_database_is_free_again(filled: Database) -> None:
    answer = begin(filled)
    deadline = time.monotonic() + 60
    while not filled.post("query", {"sql": "SELECT 1"}).json()["success"]:
        assert time.monotonic() < deadline, "the export was never cancelled"
        time.sleep(0.5)
    late = filled.post("export", {"output_format": "polling", "current_bookmark": answer["at_bookmark"]})
    assert late.json()["result"]["success"] is False


def test_a_database_with_virtual_tables_is_refused_in_cloudflares_words(filled: Database) -> None:
    filled.raw("CREATE VIRTUAL TABLE f USING fts5 (body)")
    answer = finished(filled, begin(filled))
    message = "D1 Export error: cannot export databases with Virtual Tables (fts5)"
    assert (answer["status"], answer["error"]) == ("error", message)
    assert filled.raw("SELECT 1") == [[1]]


def test_a_download_is_refused_without_its_signature(filled: Database) -> None:
    url = finished(filled, begin(filled))["result"]["signed_url"]
    assert httpx2.get(url, trust_env=False).status_code == 200
    assert httpx2.get(url.replace("/d1/", "/d1/x", 1), trust_env=False).status_code == 403


@pytest.mark.parametrize("body", [{}, {"output_format": "file"}, {"output_format": "polling", "dump_options": [1]}])
def test_a_malformed_export_is_7400(filled: Database, body: object) -> None:
    assert filled.refusal(body, "export")[:2] == (400, 7400)


@pytest.mark.local_only
def test_a_dump_for_the_sqlite_shell_is_not_served_and_says_so(filled: Database) -> None:
    body = {"output_format": "polling", "dump_options": {"compatibility": "sqlite3_cli_only"}}
    status, code, message = filled.refusal(body, "export")
    assert (status, code) == (501, 7000)
    assert "'sqlite3_cli_only' is not served by the local Cloudflare" in message


def test_wrangler_exports_one_table_without_its_schema(
    filled: Database, wrangler: Callable[..., str], tmp_path: Path
) -> None:
    wrangler("d1", "export", filled.name, "--remote", "--output", "out.sql", "--table", "b", "--no-schema", "-y")
    assert (tmp_path / "out.sql").read_text().splitlines()[1:] == ['INSERT INTO "b" ("y") VALUES(NULL);']


def test_wrangler_is_told_that_virtual_tables_cannot_be_exported(
    filled: Database, wrangler_fails: Callable[..., str]
) -> None:
    filled.raw("CREATE VIRTUAL TABLE f USING fts5 (body)")
    said = wrangler_fails("d1", "export", filled.name, "--remote", "--output", "out.sql", "-y")
    assert "cannot export databases with Virtual Tables (fts5)" in said
