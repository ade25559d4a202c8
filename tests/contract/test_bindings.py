"""What REST writes, a deployed Worker reads through its bindings, and the other way round."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from d1_calls import Database

pytestmark = pytest.mark.slow
SCRIPT = """
export default {
  async fetch(request, env) {
    const text = await request.text();
    if (request.method === "POST") {
      await env.DB.prepare("INSERT INTO notes VALUES (?)").bind(text).run();
      await env.KV.put("from-worker", text, { metadata: { by: "worker" } });
      await env.FILES.put("from-worker", text, { httpMetadata: { contentType: "text/x" } });
    }
    const { results } = await env.DB.prepare("SELECT body FROM notes ORDER BY rowid").all();
    const object = await env.FILES.get("from-rest");
    return Response.json({
      notes: results.map((row) => row.body),
      kv: await env.KV.getWithMetadata("from-rest"),
      file: object && { text: await object.text(), type: object.httpMetadata.contentType },
    });
  },
};
"""


@dataclass(frozen=True)
class Fleet:
    """A Worker at `address`, answering to `host`, and what it is bound to."""

    api: httpx2.Client
    database: Database
    namespace: str
    bucket: str
    address: str
    host: str

    def ask(self, method: str, content: str = "") -> dict[str, Any]:
        """The Worker's answer, waited for while a fresh deployment is not there yet."""
        deadline = time.monotonic() + 60
        while True:
            answer = httpx2.request(method, self.address, content=content, headers={"host": self.host}, trust_env=False)
            if answer.status_code == 200 or time.monotonic() > deadline:
                assert answer.status_code == 200, answer.text
                return dict(answer.json())
            time.sleep(0.2)


@pytest.fixture
def fleet(api: httpx2.Client, database: Database, wrangler: Callable[..., str], tmp_path: Path) -> Iterator[Fleet]:
    name = f"cg-{uuid.uuid4().hex[:12]}"
    database.raw("CREATE TABLE notes (body)")
    namespace = api.post("/storage/kv/namespaces", json={"title": name}).json()["result"]["id"]
    assert api.post("/r2/buckets", json={"name": name}).json()["success"]
    (tmp_path / "index.js").write_text(SCRIPT)
    config = {
        "name": name,
        "main": "index.js",
        "compatibility_date": "2026-01-01",
        "workers_dev": True,
        "preview_urls": True,
        "d1_databases": [{"binding": "DB", "database_name": database.name, "database_id": database.uuid}],
        "kv_namespaces": [{"binding": "KV", "id": namespace}],
        "r2_buckets": [{"binding": "FILES", "bucket_name": name}],
    }
    (tmp_path / "wrangler.jsonc").write_text(json.dumps(config))
    wrangler("deploy")
    address = url_of(api, name)
    yield Fleet(api, database, namespace, name, *reached(address))
    wrangler("delete", "--force")
    api.request("DELETE", f"/r2/buckets/{name}/objects", json=["from-worker", "from-rest"])
    api.delete(f"/r2/buckets/{name}")
    api.delete(f"/storage/kv/namespaces/{namespace}")


def url_of(api: httpx2.Client, script: str) -> httpx2.URL:
    """The Worker's address: that of its live version without the version's prefix."""
    live = api.get(f"/workers/scripts/{script}/deployments").json()["result"]["deployments"][0]
    version = live["versions"][0]["version_id"]
    urls = api.get(f"/workers/workers/{script}/versions/{version}").json()["result"]["urls"]
    return httpx2.URL(urls[0].replace(f"{version[:8]}-", "", 1))


def reached(url: httpx2.URL) -> tuple[str, str]:
    """Where to connect and which Host to send: glibc does not resolve names under .localhost."""
    if url.host.endswith(".localhost"):
        return f"http://127.0.0.1:{url.port}/", url.netloc.decode()
    return str(url), url.netloc.decode()


def test_a_worker_reads_what_rest_wrote(fleet: Fleet) -> None:
    fleet.database.raw("INSERT INTO notes VALUES ('from rest')")
    files = {"value": (None, b"hello"), "metadata": (None, b'{"by": "rest"}')}
    fleet.api.put(f"/storage/kv/namespaces/{fleet.namespace}/values/from-rest", files=files)
    fleet.api.put(f"/r2/buckets/{fleet.bucket}/objects/from-rest", content=b"bytes", headers={"content-type": "text/x"})
    answer = fleet.ask("GET")
    assert answer["notes"] == ["from rest"]
    assert (answer["kv"]["value"], answer["kv"]["metadata"]) == ("hello", {"by": "rest"})
    assert answer["file"] == {"text": "bytes", "type": "text/x"}


def test_rest_reads_what_a_worker_wrote_and_time_travel_undoes_it(fleet: Fleet) -> None:
    before = fleet.database.bookmark()
    fleet.ask("POST", "from worker")
    assert fleet.database.raw("SELECT body FROM notes") == [["from worker"]]
    kv = f"/storage/kv/namespaces/{fleet.namespace}"
    assert fleet.api.get(f"{kv}/values/from-worker").text == "from worker"
    assert fleet.api.get(f"{kv}/metadata/from-worker").json()["result"] == {"by": "worker"}
    got = fleet.api.get(f"/r2/buckets/{fleet.bucket}/objects/from-worker")
    assert (got.text, got.headers["content-type"]) == ("from worker", "text/x")
    assert fleet.database.bookmark() > before
    query = {"bookmark": before}
    assert fleet.api.post(f"{fleet.database.path}/time_travel/restore", params=query).json()["success"]
    assert fleet.ask("GET")["notes"] == []


def test_a_worker_is_refused_while_its_database_is_exported_and_not_afterwards(fleet: Fleet) -> None:
    fleet.ask("POST", "before")
    begun = fleet.database.post("export", {"output_format": "polling", "dump_options": {}}).json()["result"]
    refused = httpx2.get(fleet.address, headers={"host": fleet.host}, trust_env=False)
    assert refused.status_code == 500
    at = begun["at_bookmark"]
    while begun["status"] == "active":
        again = {"output_format": "polling", "dump_options": {}, "current_bookmark": at}
        begun = fleet.database.post("export", again).json()["result"]
    assert begun["status"] == "complete"
    assert fleet.ask("GET")["notes"] == ["before"]
