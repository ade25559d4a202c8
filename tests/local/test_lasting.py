"""What survives: every process killed at the worst moment, then `up`, and everything is as before."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from homes import Home, alive, home, until

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain

pytestmark = pytest.mark.slow
CODE = """
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async add(n) {
    const sum = ((await this.ctx.storage.get("n")) ?? 0) + n;
    await this.ctx.storage.put("n", sum);
    return sum;
  }
}
export default { async fetch(request, env) {
  const counter = env.COUNTER.get(env.COUNTER.idFromName("one"));
  if (request.method === "POST") {
    await env.DB.prepare("CREATE TABLE IF NOT EXISTS t (x)").run();
    await env.DB.prepare("INSERT INTO t VALUES ('row')").run();
    await env.KV.put("k", "kv");
    await env.FILES.put("f", "r2");
    await env.Q.send("waits", { delaySeconds: 3600 });
    return new Response(String(await counter.add(7)));
  }
  return Response.json({
    rows: (await env.DB.prepare("SELECT x FROM t").all()).results.length,
    kv: await env.KV.get("k"), r2: await (await env.FILES.get("f")).text(), count: await counter.add(0),
    secret: env.SECRET, version: env.VERSION.id,
  });
} };
"""
CALM = "export default { fetch: () => new Response('calm') };"


@pytest.fixture(scope="module")
def filled(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Two Workers, one of them with something in every kind of storage."""
    with home(node_parts, tmp_path_factory.mktemp("lasting")) as made:
        database = made.result("POST", "/d1/database", json={"name": "db"})["uuid"]
        namespace = made.result("POST", "/storage/kv/namespaces", json={"title": "kv"})["id"]
        made.result("POST", "/r2/buckets", json={"name": "files"})
        made.result("POST", "/queues", json={"queue_name": "jobs"})
        bindings = [
            {"name": "DB", "type": "d1", "id": database},
            {"name": "KV", "type": "kv_namespace", "namespace_id": namespace},
            {"name": "FILES", "type": "r2_bucket", "bucket_name": "files"},
            {"name": "Q", "type": "queue", "queue_name": "jobs"},
            {"name": "COUNTER", "type": "durable_object_namespace", "class_name": "Counter"},
            {"name": "SECRET", "type": "secret_text", "text": "still-secret"},
            {"name": "VERSION", "type": "version_metadata"},
        ]
        migrations = {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Counter"]}]}
        assert made.put("all", CODE, *bindings, migrations=migrations).is_success
        assert made.put("calm", CALM).is_success
        assert made.ask("all", method="POST").text == "7"
        yield made


def everything(filled: Home) -> dict[str, Any]:
    """What the account holds, through the Worker and through the API."""
    shown: dict[str, Any] = filled.ask("all").json()
    for path in ("/workers/scripts", "/workers/scripts/all/versions", "/workers/scripts/all/deployments"):
        shown[path] = filled.result("GET", path)
    for path in ("/workers/scripts/all/settings", "/d1/database", "/storage/kv/namespaces", "/r2/buckets", "/queues"):
        shown[path] = filled.result("GET", path)
    return shown


@pytest.mark.parametrize("words", ["daemon", "storage.capnp", "worker.capnp", "router.mjs"])
def test_after_any_process_was_killed_up_finds_everything_as_before(filled: Home, words: str) -> None:
    before, was = everything(filled), filled.running
    victims = [pid for pid, line in filled.processes().items() if words in line]
    assert victims
    others = [pid for pid in filled.processes() if pid not in victims]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    if words == "daemon":
        until(lambda: not any(map(alive, others)), "the daemon's children end with it")
    now = filled.up()
    assert (now.port, now.router_port, now.account) == (was.port, was.router_port, was.account)
    until(lambda: filled.ask("all").status_code == 200, "the Worker answers")
    assert everything(filled) == before
    assert filled.ask("calm").text == "calm"


def test_coming_up_starts_no_worker_and_the_first_request_does(filled: Home) -> None:
    daemon.down(filled.state)
    filled.up()
    workers = lambda: [line for line in filled.processes().values() if "worker.capnp" in line]  # noqa: E731
    assert workers() == []
    assert filled.ask("calm").text == "calm"
    assert len(workers()) == 1


def test_nothing_listens_but_on_loopback_and_the_sockets_are_the_users_alone(filled: Home) -> None:
    filled.ask("all")
    sockets = {
        str(link.readlink())
        for pid in filled.processes()
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    }
    listening = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in sockets
    ]
    ports = {f"0100007F:{port:04X}" for port in (filled.running.port, filled.running.router_port)}
    assert {row[1] for row in listening} == ports
    folder = Path((filled.state / "sockets").read_text())
    for private in (folder, filled.state):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_an_import_whose_control_plane_is_killed_has_not_happened(filled: Home) -> None:
    database = filled.result("POST", "/d1/database", json={"name": "killed"})["uuid"]
    path = f"/d1/database/{database}"
    filled.result("POST", f"{path}/query", json={"sql": "CREATE TABLE a (x); INSERT INTO a VALUES ('mine')"})
    sql = b"".join(b"INSERT INTO a VALUES (%d);\n" % number for number in range(500_000))
    etag = hashlib.md5(sql, usedforsecurity=False).hexdigest()
    told = filled.result("POST", f"{path}/import", json={"action": "init", "etag": etag})
    assert filled.client.put(told["upload_url"], content=sql).status_code == 200
    ingest = {"action": "ingest", "etag": etag, "filename": told["filename"]}
    job = filled.result("POST", f"{path}/import", json=ingest)
    while job["messages"] == ["Processed 0 queries."]:
        poll = {"action": "poll", "current_bookmark": job["at_bookmark"]}
        job = filled.result("POST", f"{path}/import", json=poll)
    assert job["status"] == "active", "the import ended before it could be killed"
    killed = filled.running.pid
    os.kill(killed, signal.SIGKILL)
    until(lambda: not alive(killed), "the daemon ends")
    filled.up()
    (counted,) = filled.result("POST", f"{path}/query", json={"sql": "SELECT count(*) AS n, min(x) AS x FROM a"})
    assert counted["results"] == [{"n": 1, "x": "mine"}]


def test_two_fleets_on_one_machine_share_nothing(filled: Home, node_parts: Toolchain, tmp_path: Path) -> None:
    with home(node_parts, tmp_path) as other:
        assert other.put("calm", CALM.replace("calm", "other")).is_success
        assert {other.running.port, other.running.router_port}.isdisjoint(
            {filled.running.port, filled.running.router_port}
        )
        assert (filled.ask("calm").text, other.ask("calm").text) == ("calm", "other")
        token = daemon.env(filled.state)["CLOUDFLARE_API_TOKEN"]
        answer = httpx2.get(
            f"{other.running.base_url}/user", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        assert answer.status_code == 403
    assert filled.ask("calm").text == "calm"


ALARM = """
import { DurableObject } from "cloudflare:workers";
export class Clock extends DurableObject {
  async arm() { await this.ctx.storage.setAlarm(Date.now() + 3000); }
  async alarm() { await this.env.KV.put("alarm", "rang"); }
}
export default { async fetch(request, env) {
  await env.CLOCK.get(env.CLOCK.idFromName("one")).arm();
  return new Response("armed");
} };
"""


def test_an_alarm_rings_though_its_worker_sleeps_and_a_deleted_worker_leaves_no_objects(
    node_parts: Toolchain, tmp_path: Path
) -> None:
    with home(node_parts, tmp_path, idle_seconds=0.5) as made:
        namespace = made.result("POST", "/storage/kv/namespaces", json={"title": "kv"})["id"]
        bindings = [
            {"name": "CLOCK", "type": "durable_object_namespace", "class_name": "Clock"},
            {"name": "KV", "type": "kv_namespace", "namespace_id": namespace},
        ]
        migrations = {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Clock"]}]}
        assert made.put("clock", ALARM, *bindings, migrations=migrations).is_success
        assert made.ask("clock").text == "armed"
        until(lambda: not any("worker.capnp" in line for line in made.processes().values()), "the Worker sleeps")
        value = f"/storage/kv/namespaces/{namespace}/values/alarm"
        assert made.api("GET", value).status_code == 404
        until(lambda: made.api("GET", value).text == "rang", "the alarm")
        made.result("DELETE", "/workers/scripts/clock")
        assert list((made.state / "actors").iterdir()) == []
