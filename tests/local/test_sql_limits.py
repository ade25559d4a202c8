from __future__ import annotations

import sqlite3

import pytest

from cattlegrid.local.sql.limits import Statement, oversized, refusal, row_check, value_list, written_to


def test_a_statement_of_100000_bytes_is_accepted_and_one_byte_more_is_refused() -> None:
    start = "SELECT '"
    assert refusal(Statement(start + "x" * (100_000 - len(start) - 1) + "'")) is None
    assert refusal(Statement(start + "x" * (100_000 - len(start)) + "'")) == "statement too long: SQLITE_TOOBIG"
    assert refusal(Statement(start + "é" * 50_000 + "'")) == "statement too long: SQLITE_TOOBIG"


@pytest.mark.parametrize("value", ["x" * 2_000_001, "é" * 1_000_001, [0] * 2_000_001])
def test_a_parameter_over_two_million_bytes_is_refused(value: object) -> None:
    assert refusal(Statement("INSERT INTO t VALUES (?)", [value])) == "string or blob too big: SQLITE_TOOBIG"


def test_a_parameter_of_exactly_two_million_bytes_is_accepted() -> None:
    assert refusal(Statement("INSERT INTO t VALUES (?, ?)", ["x" * 2_000_000, 1])) is None


def test_a_function_takes_32_arguments_and_not_33() -> None:
    ok, over = ", ".join("1" * 32), ", ".join("1" * 33)
    assert refusal(Statement(f"SELECT coalesce({ok}), max(1, (2), min({ok}))")) is None
    assert refusal(Statement(f"SELECT max({over})")) == "too many arguments on function max at offset 7: SQLITE_ERROR"


def test_long_lists_that_are_no_function_call_are_accepted() -> None:
    many = ", ".join(f"c{n}" for n in range(60))
    for sql in (f"INSERT INTO max ({many}) SELECT 1", f"CREATE TABLE time ({many})", f"SELECT 1 WHERE 1 IN ({many})"):
        assert refusal(Statement(sql)) is None


def test_only_statements_that_can_make_a_big_row_are_looked_at() -> None:
    big = "x" * 1_500_000
    assert written_to(Statement("INSERT INTO t VALUES (?)", [big])) is None
    assert written_to(Statement("INSERT OR REPLACE INTO t VALUES (?, ?)", [big, big])) == "t"
    assert written_to(Statement('UPDATE main."a b" SET x = hex(?)', [big])) == '"a b"'
    assert written_to(Statement("INSERT INTO t VALUES (zeroblob(3000000))")) == "t"
    assert written_to(Statement("SELECT ?, ?", [big, big])) is None


def test_the_row_check_fails_only_when_a_row_is_over_the_limit() -> None:
    database = sqlite3.connect(":memory:")
    database.create_function("octet_length", 1, lambda value: value and len(value))
    database.execute('CREATE TABLE "a b" (x, "y""z")')
    database.execute('INSERT INTO "a b" VALUES (zeroblob(1000000), zeroblob(1000000))')
    check = row_check('"a b"', ["x", 'y"z'])
    assert database.execute(check.sql).fetchall() == []
    database.execute('INSERT INTO "a b" VALUES (zeroblob(1000000), zeroblob(1000001))')
    with pytest.raises(sqlite3.OperationalError, match="row over 2,000,000 bytes"):
        database.execute(check.sql).fetchall()


def test_a_result_with_a_value_over_the_limit_is_found() -> None:
    assert not oversized([[1, None, "x" * 2_000_000]])
    assert oversized([[1], ["x" * 2_000_001]])


def test_parameters_become_what_the_engine_takes() -> None:
    assert value_list(None) == []
    assert value_list([True, "a", 1.5, None, [1, 2]]) == [1, "a", 1.5, None, [1, 2]]
    assert value_list("a") is None
