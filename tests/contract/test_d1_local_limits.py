"""Limits that take a real account half a minute or ten gigabytes to meet: made small, on the local one only."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator

import httpx2
import pytest
from d1_calls import Database, create

pytestmark = pytest.mark.slow
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
TIMEOUT = (500, 7500, "D1 DB storage operation exceeded timeout which caused object to be reset.")
Limit = Callable[..., None]


@pytest.fixture
def limit(local_api: httpx2.Client) -> Iterator[Limit]:
    def put(**limits: float) -> None:
        assert local_api.put("/local/limits/d1", json=limits).json()["success"]

    yield put
    put()


@pytest.fixture
def other(api: httpx2.Client) -> Iterator[Database]:
    made = create(api, f"cg-{uuid.uuid4().hex[:12]}")
    yield made
    api.delete(made.path)


def test_a_call_over_its_time_is_ended_and_every_database_serves_again(
    database: Database, other: Database, limit: Limit
) -> None:
    database.raw("CREATE TABLE t (a)")
    other.raw("CREATE TABLE t (a)")
    limit(call_seconds=2)
    batch = {"batch": [{"sql": "INSERT INTO t VALUES (1)"}, {"sql": ENDLESS}]}
    assert database.refusal(batch) == TIMEOUT
    assert database.raw("SELECT count(*) FROM t") == [[0]]
    assert other.raw("SELECT count(*) FROM t") == [[0]]


def test_a_runaway_query_delays_its_neighbours_no_longer_than_its_own_time(
    database: Database, other: Database, limit: Limit
) -> None:
    limit(call_seconds=3)
    ended = list[tuple[int, int, str]]()
    runaway = threading.Thread(target=lambda: ended.append(database.refusal({"sql": ENDLESS})))
    runaway.start()
    runaway.join(0.5)
    other.post("query", {"sql": "SELECT 1"})
    assert other.raw("SELECT 1") == [[1]]
    runaway.join(30)
    assert ended == [TIMEOUT]


def test_a_full_database_takes_no_more_rows_but_gives_its_own(database: Database, limit: Limit) -> None:
    database.raw("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(100000))")
    limit(database_bytes=50_000)
    assert database.refusal({"sql": "INSERT INTO t VALUES (1)"}) == (400, 7500, "Exceeded maximum DB size")
    assert database.raw("SELECT count(*) FROM t") == [[1]]


def test_an_account_with_all_its_databases_gets_no_other(database: Database, limit: Limit) -> None:
    limit(databases=1)
    answer = database.api.post("/d1/database", json={"name": "one-too-many"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 7406)


def test_an_import_file_over_the_limit_is_refused(database: Database, limit: Limit) -> None:
    limit(import_bytes=1000)
    url = database.post("import", {"action": "init", "etag": "0" * 32}).json()["result"]["upload_url"]
    assert httpx2.put(url, content=b"-" * 1001, trust_env=False).status_code == 413


def test_an_unknown_limit_is_refused_by_name(local_api: httpx2.Client) -> None:
    answer = local_api.put("/local/limits/d1", json={"rows": 1})
    assert answer.status_code == 400
    assert "not rows" in answer.json()["errors"][0]["message"]
