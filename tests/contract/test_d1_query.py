from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from d1_calls import Database

pytestmark = pytest.mark.slow
META = {"served_by", "served_by_region", "served_by_primary", "timings", "duration", "changes", "last_row_id"}
META |= {"changed_db", "size_after", "rows_read", "rows_written"}


def test_each_statement_has_one_item_with_rows_and_meta(database: Database) -> None:
    sql = "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x;y'), (2, NULL); SELECT * FROM t -- ;"
    answer = database.post("query", {"sql": sql}).json()
    assert answer["success"]
    created, inserted, selected = answer["result"]
    assert set(created["meta"]) >= META
    assert (inserted["meta"]["changes"], inserted["meta"]["last_row_id"]) == (2, 2)
    assert selected["results"] == [{"a": 1, "b": "x;y"}, {"a": 2, "b": None}]
    assert (selected["success"], selected["meta"]["rows_read"]) == (True, 2)


def test_raw_gives_columns_and_rows_and_keeps_columns_of_equal_names(database: Database) -> None:
    answer = database.post("raw", {"sql": "SELECT 1 AS a, 'x' AS a, NULL AS b"}).json()
    assert answer["result"][0]["results"] == {"columns": ["a", "a", "b"], "rows": [[1, "x", None]]}


def test_parameters_are_bound_and_not_pasted(database: Database) -> None:
    assert database.raw("SELECT ?, ?2, typeof(?3)", "'; DROP TABLE t; --", None, 2.5) == [
        ["'; DROP TABLE t; --", None, "real"]
    ]


def test_a_batch_runs_its_statements_with_their_own_parameters(database: Database) -> None:
    batch = [
        {"sql": "CREATE TABLE t (a)"},
        {"sql": "INSERT INTO t VALUES (?)", "params": ["one"]},
        {"sql": "SELECT a FROM t WHERE a = ?", "params": ["one"]},
    ]
    answer = database.post("query", {"batch": batch}).json()
    assert [item["results"] for item in answer["result"]] == [[], [], [{"a": "one"}]]


@pytest.mark.parametrize(
    "body",
    [
        {"sql": "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); SELECT * FROM nope"},
        {"batch": [{"sql": "INSERT INTO t VALUES (?)", "params": [1]}, {"sql": "SELECT * FROM nope"}]},
    ],
)
def test_what_fails_in_the_middle_leaves_nothing_behind(database: Database, body: object) -> None:
    database.raw("CREATE TABLE t (a)")
    assert database.refusal(body) == (400, 7500, "no such table: nope: SQLITE_ERROR")
    assert database.raw("SELECT count(*) FROM t") == [[0]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"sql": 1}, "'sql' must be text"),
        ({}, "'sql' must be text"),
        ([], "the body must be an object"),
        ({"sql": "SELECT 1", "params": "x"}, "'params' must be a list"),
        ({"sql": "SELECT ?; SELECT 2", "params": [1]}, "params with multiple statements is not supported"),
    ],
)
def test_a_body_that_is_no_query_is_7400(database: Database, body: object, words: str) -> None:
    status, code, message = database.refusal(body)
    assert (status, code) == (400, 7400)
    assert message.startswith(f"The request is malformed: {words}")


def test_a_query_without_a_statement_is_refused(database: Database) -> None:
    assert database.refusal({"sql": " -- nothing\n;;"}) == (400, 7500, "No SQL statements detected.")


def test_the_body_is_json_whatever_its_content_type_says(database: Database) -> None:
    answer = database.api.post(
        f"{database.path}/query", content=b'{"sql": "SELECT 1 AS a"}', headers={"content-type": "text/plain"}
    )
    assert answer.json()["result"][0]["results"] == [{"a": 1}]


def test_triggers_with_semicolons_and_case_are_one_statement(database: Database) -> None:
    database.raw(
        """CREATE TABLE a (x); CREATE TABLE b (n);
        CREATE TRIGGER keep AFTER INSERT ON a BEGIN
          INSERT INTO b SELECT CASE WHEN new.x = ';' THEN 1 ELSE CASE 1 WHEN 1 THEN 2 END END; -- ; END;
          DELETE FROM b WHERE n = 3;
        END;
        INSERT INTO a VALUES (';'), ('end')"""
    )
    assert database.raw("SELECT n FROM b ORDER BY n") == [[1], [2]]


@pytest.mark.parametrize("sql", ["BEGIN", "SAVEPOINT x", "ATTACH 'x' AS y", "VACUUM", "PRAGMA journal_mode = DELETE"])
def test_what_d1_forbids_is_refused(database: Database, sql: str) -> None:
    status, code, _ = database.refusal({"sql": sql})
    assert (status, code) == (400, 7500)


def test_values_to_two_million_bytes_are_stored_and_one_more_is_too_big(database: Database) -> None:
    database.raw("CREATE TABLE t (a, b)")
    database.raw("INSERT INTO t (a) VALUES (?)", "x" * 1_999_900)
    assert database.raw("SELECT length(a) FROM t") == [[1_999_900]]
    too_big = (400, 7500, "string or blob too big: SQLITE_TOOBIG")
    assert database.refusal({"sql": "INSERT INTO t (a) VALUES (?)", "params": ["x" * 2_000_001]}) == too_big
    assert database.refusal({"sql": "SELECT hex(a) FROM t"}) == too_big


def test_a_row_over_two_million_bytes_is_refused_and_takes_its_batch_with_it(database: Database) -> None:
    database.raw("CREATE TABLE t (a, b)")
    batch = [
        {"sql": "INSERT INTO t VALUES ('small', 1)"},
        {"sql": "INSERT INTO t VALUES (?, ?)", "params": ["x" * 1_200_000, "y" * 1_200_000]},
    ]
    assert database.refusal({"batch": batch}) == (400, 7500, "string or blob too big: SQLITE_TOOBIG")
    assert database.raw("SELECT count(*) FROM t") == [[0]]


def test_a_statement_over_100000_bytes_is_too_long(database: Database) -> None:
    message = "statement too long: SQLITE_TOOBIG"
    assert database.refusal({"sql": "SELECT '" + "x" * 100_000 + "'"}) == (400, 7500, message)


def test_a_function_with_33_arguments_is_refused(database: Database) -> None:
    status, code, message = database.refusal({"sql": f"SELECT max({', '.join('1' * 33)})"})
    assert (status, code) == (400, 7500)
    assert message.startswith("too many arguments on function max")


def test_100_parameters_are_bound_and_101_are_refused(database: Database) -> None:
    assert database.raw(f"SELECT 7 IN ({'?, ' * 99}?)", *range(100)) == [[1]]
    status, code, message = database.refusal({"sql": f"SELECT 7 IN ({'?, ' * 100}?)", "params": [1] * 101})
    assert (status, code) == (400, 7500)
    assert message.startswith("too many SQL variables")


def test_wrangler_runs_commands_and_prints_json(database: Database, wrangler: Callable[..., str]) -> None:
    sql = "CREATE TABLE t (a); INSERT INTO t VALUES (';'); SELECT a FROM t"
    printed = json.loads(wrangler("d1", "execute", database.name, "--remote", "--json", "--command", sql))
    assert [item["results"] for item in printed] == [[], [], [{"a": ";"}]]


def test_wrangler_shows_the_engines_own_error(database: Database, wrangler_fails: Callable[..., str]) -> None:
    said = wrangler_fails("d1", "execute", database.name, "--remote", "--command", "SELECT * FROM nope")
    assert "no such table: nope: SQLITE_ERROR [code: 7500]" in said
