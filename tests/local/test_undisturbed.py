"""A deploy of a Worker that owns Durable Objects, under load: one owner at a time, and every request is answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from homes import Home, home

from cattlegrid.toolchain import Toolchain

pytestmark = pytest.mark.slow
CODE = """
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async next() {
    const n = ((await this.ctx.storage.get("n")) ?? 0) + 1;
    await this.ctx.storage.put("n", n);
    return n;
  }
}
export default { async fetch(request, env) {
  return Response.json([env.NUMBER, await env.COUNTER.get(env.COUNTER.idFromName("one")).next()]);
} };
"""
COUNTER = {"name": "COUNTER", "type": "durable_object_namespace", "class_name": "Counter"}


@pytest.fixture
def made(node_parts: Toolchain, tmp_path: Path) -> Iterator[Home]:
    with home(node_parts, tmp_path) as one:
        yield one


def put(made: Home, number: int) -> None:
    migrations = {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Counter"]}]} if number == 1 else None
    text = {"name": "NUMBER", "type": "plain_text", "text": str(number)}
    assert made.put("count", CODE, COUNTER, text, **({"migrations": migrations} if migrations else {})).is_success


def test_a_redeploy_of_durable_objects_under_load_loses_no_request_and_no_count(made: Home) -> None:
    put(made, 1)
    url, host = f"http://127.0.0.1:{made.running.router_port}/", {"Host": "count.local.localhost"}
    done = threading.Event()

    def load(method: str) -> list[tuple[str, int]]:
        seen = []
        with httpx2.Client(trust_env=False, timeout=60) as client:
            while not done.is_set():
                answer = client.request(method, url, headers=host, content=b"body" if method == "POST" else None)
                assert answer.status_code == 200, answer.text
                seen.append(tuple(answer.json()))
        return seen

    with ThreadPoolExecutor() as threads:
        loads = [threads.submit(load, method) for method in ("GET", "POST", "GET", "POST")]
        for number in (2, 3, 4):
            put(made, number)
            assert made.ask("count").json()[0] == str(number)
        done.set()
    for one in loads:
        versions = [number for number, _ in one.result()]
        assert versions == sorted(versions), "an old version answers after a newer one"
    counts = sorted(count for one in loads for _, count in one.result())
    assert len(counts) == len(set(counts)) > 40
    assert made.ask("count").json()[1] == len(counts) + len((2, 3, 4)) + 1
