"""D1's limits hold for Workers' bindings too, as far as the control plane can see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from homes import Home, home, until

from cattlegrid.toolchain import Toolchain

pytestmark = pytest.mark.slow
CODE = """
const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
export default { async fetch(request, env) {
  const { searchParams } = new URL(request.url);
  try {
    if (searchParams.has("endless")) await env.DB.prepare(ENDLESS).all();
    if (searchParams.has("size")) {
      const value = "x".repeat(Number(searchParams.get("size")));
      await env.DB.prepare("INSERT INTO t VALUES (?)").bind(value).run();
    }
    if (searchParams.has("row")) {
      const value = "x".repeat(1_200_000);
      const small = env.DB.prepare("INSERT INTO t VALUES ('small')");
      await env.DB.batch([small, env.DB.prepare("INSERT INTO wide VALUES (?, ?)").bind(value, value)]);
    }
    if (searchParams.has("blobs")) {
      await env.DB.prepare("INSERT INTO wide VALUES (zeroblob(1200000), zeroblob(1200000))").run();
    }
    return new Response(String(await env.DB.prepare("SELECT count(*) FROM t").first("count(*)")));
  } catch (error) {
    return new Response(error.message, { status: 500 });
  }
} };
"""


@pytest.fixture(scope="module")
def made(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with home(node_parts, tmp_path_factory.mktemp("d1")) as one:
        database = one.result("POST", "/d1/database", json={"name": "db"})["uuid"]
        one.result(
            "POST", f"/d1/database/{database}/query", json={"sql": "CREATE TABLE t (x); CREATE TABLE wide (a, b)"}
        )
        assert one.put("user", CODE, {"name": "DB", "type": "d1", "id": database}).is_success
        yield one


def test_a_value_over_two_million_bytes_is_refused_to_a_worker(made: Home) -> None:
    assert made.ask("user", "/?size=2000000").text == "1"
    refused = made.ask("user", "/?size=2000001")
    assert (refused.status_code, refused.text) == (500, "D1_ERROR: string or blob too big: SQLITE_TOOBIG")
    assert made.ask("user").text == "1"


@pytest.mark.parametrize("asked", ["row", "blobs"])
def test_a_row_over_two_million_bytes_is_refused_to_a_worker_and_takes_its_batch_with_it(
    made: Home, asked: str
) -> None:
    before = made.ask("user").text
    refused = made.ask("user", f"/?{asked}")
    assert (refused.status_code, refused.text) == (500, "D1_ERROR: string or blob too big: SQLITE_TOOBIG")
    assert made.ask("user").text == before


def test_a_workers_query_without_end_is_ended_and_every_database_serves_again(made: Home) -> None:
    made.result("PUT", "/local/limits/d1", json={"call_seconds": 2})
    ended = made.ask("user", "/?endless")
    made.result("PUT", "/local/limits/d1", json={})
    assert ended.status_code == 500
    until(lambda: made.ask("user").text == "1", "the database serves again")
