"""The data plane on the real workerd: what is deployed runs, and nothing disturbs anything else."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cattlegrid.local.runtime import (
    ActorClass,
    Module,
    QueueConsumer,
    Runtime,
    ScriptError,
    SqlError,
    WorkerVersion,
)
from cattlegrid.toolchain import Toolchain

pytestmark = pytest.mark.slow


@dataclass
class Bench:
    """A runtime, and the few things that the control plane would do around it."""

    runtime: Runtime
    port: int
    folder: Path
    versions: dict[str, WorkerVersion] = field(default_factory=dict)

    def version(self, script: str, code: str, *bindings: Mapping[str, object], **more: Any) -> WorkerVersion:
        file = self.folder / f"{uuid.uuid4().hex}.js"
        file.write_text(code)
        module = Module("index.js", "application/javascript+module", file)
        found = WorkerVersion(
            script, str(uuid.uuid4()), len(self.versions) + 1, "index.js", (module, *more.pop("modules", ())),
            bindings, "2026-01-01", (), **more,
        )  # fmt: skip
        self.versions[found.version_id] = found
        return found

    async def deploy(self, version: WorkerVersion) -> WorkerVersion:
        await self.runtime.validate(version)
        await self.runtime.deploy(version.script, [(version.version_id, 100)])
        scripts = {one.script for one in self.versions.values()}
        await self.runtime.hosts({f"{script}.local.localhost": script for script in scripts})
        return version

    async def get(self, script: str, path: str = "/", **more: Any) -> httpx2.Response:
        headers = {"host": f"{script}.local.localhost", **more.pop("headers", {})}
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
            return await client.request(
                more.pop("method", "GET"), f"http://127.0.0.1:{self.port}{path}", headers=headers, **more
            )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def opened(
    parts: Toolchain, folder: Path, *, idle: float = 60.0, before: Bench | None = None
) -> AsyncIterator[Bench]:
    versions = before.versions if before else {}
    port = free_port()
    (folder / "state").mkdir(exist_ok=True)
    runtime = Runtime(
        state=folder / "state", node=parts.node, modules=parts.modules, router_port=port, idle_seconds=idle,
        resolve=lambda version_id: versions[version_id],
    )  # fmt: skip
    await runtime.start()
    try:
        yield Bench(runtime, port, folder, versions)
    finally:
        await runtime.stop()


def run(parts: Toolchain, folder: Path, story: Callable[[Bench], Awaitable[None]], **more: Any) -> None:
    async def play() -> None:
        async with opened(parts, folder, **more) as bench:
            await story(bench)

    asyncio.run(play())


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.05)


ECHO = "export default { fetch(request, env) { return new Response(env.TEXT) } }"


def text(value: str) -> dict[str, object]:
    return {"name": "TEXT", "type": "plain_text", "text": value}


def test_a_deployed_worker_answers_with_its_bindings(node_parts: Toolchain, tmp_path: Path) -> None:
    code = """
    import words from "./words.txt";
    export default { async fetch(request, env) {
      await env.DB.prepare("CREATE TABLE IF NOT EXISTS t (x)").run();
      await env.DB.prepare("INSERT INTO t VALUES (?)").bind("row").run();
      await env.KV.put("k", "kv");
      await env.R2.put("o", "r2");
      return Response.json({ words, secret: env.SECRET, json: env.JSON, version: env.VERSION,
        row: (await env.DB.prepare("SELECT x FROM t").first()).x,
        kv: await env.KV.get("k"), r2: await (await env.R2.get("o")).text(), colo: request.cf.colo });
    } }"""

    async def story(bench: Bench) -> None:
        (tmp_path / "words.txt").write_text("naïve\n")
        version = bench.version(
            "all",
            code,
            {"name": "DB", "type": "d1", "id": "db-1"},
            {"name": "KV", "type": "kv_namespace", "namespace_id": "ns-1"},
            {"name": "R2", "type": "r2_bucket", "bucket_name": "files"},
            {"name": "SECRET", "type": "secret_text", "text": 'se"cret\\\n'},
            {"name": "JSON", "type": "json", "json": {"a": [1, None]}},
            {"name": "VERSION", "type": "version_metadata"},
            modules=(Module("words.txt", "text/plain", tmp_path / "words.txt"),),
            tag="v1",
        )
        await bench.deploy(version)
        seen = (await bench.get("all")).json()
        expected = {"words": "naïve\n", "secret": 'se"cret\\\n', "json": {"a": [1, None]}, "row": "row"}
        assert {**expected, "kv": "kv", "r2": "r2", "colo": "LOC"}.items() <= seen.items()
        assert seen["version"]["id"] == version.version_id
        assert seen["version"]["tag"] == "v1"
        rows = await bench.runtime.d1("db-1", [("SELECT x FROM t", [])], rows=False)
        assert rows[0]["results"] == [{"x": "row"}]
        assert 'se"cret' not in "".join(file.read_text() for file in bench.runtime._sockets.rglob("*.capnp"))

    run(node_parts, tmp_path, story)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("throw new Error('boom at start')", "Uncaught Error: boom at start"),
        ("export default {", "SyntaxError"),
        ("import x from './nowhere.js'; export default { fetch() {} }", "nowhere.js"),
        ("export const nothing = 1;", "no"),
    ],
)
def test_a_script_that_cannot_start_is_refused_with_its_javascript_error(
    code: str, words: str, node_parts: Toolchain, tmp_path: Path
) -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(ScriptError) as refusal:
            await bench.runtime.validate(bench.version("bad", code))
        assert words in refusal.value.message
        assert str(tmp_path) not in refusal.value.message

    run(node_parts, tmp_path, story)


def test_validation_names_the_handlers(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        code = "export default { fetch() {}, async scheduled() {} }; export class Q { queue() {} }"
        found = await bench.runtime.validate(bench.version("handlers", code))
        assert set(found.handlers) == {"fetch", "scheduled", "queue"}
        assert found.startup_time_ms > 0

    run(node_parts, tmp_path, story)


def test_a_redeploy_under_load_loses_no_request(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.deploy(bench.version("busy", ECHO, text("1")))
        answers: list[str] = []
        going = True

        async def load() -> None:
            async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
                while going:
                    answer = await client.get(
                        f"http://127.0.0.1:{bench.port}/", headers={"host": "busy.local.localhost"}
                    )
                    answers.append(f"{answer.status_code} {answer.text}")

        clients = [asyncio.create_task(load()) for _ in range(4)]
        for number in ("2", "3", "4"):
            await asyncio.sleep(0.2)
            await bench.deploy(bench.version("busy", ECHO, text(number)))
            assert (await bench.get("busy")).text == number
        going = False
        await asyncio.gather(*clients)
        assert len(answers) > 100
        assert set(answers) <= {"200 1", "200 2", "200 3", "200 4"}

    run(node_parts, tmp_path, story)


def test_traffic_is_split_and_the_override_header_reaches_a_version_at_zero(
    node_parts: Toolchain, tmp_path: Path
) -> None:
    async def story(bench: Bench) -> None:
        one = await bench.deploy(bench.version("split", ECHO, text("one")))
        two = bench.version("split", ECHO, text("two"))
        await bench.runtime.validate(two)
        override = {"Cloudflare-Workers-Version-Overrides": f'split="{two.version_id}"'}
        assert (await bench.get("split", headers=override)).text == "one"
        await bench.runtime.deploy("split", [(one.version_id, 100), (two.version_id, 0)])
        assert {(await bench.get("split")).text for _ in range(20)} == {"one"}
        assert (await bench.get("split", headers=override)).text == "two"
        assert (await bench.get(f"{two.version_id[:8]}-split")).text == "two"
        await bench.runtime.deploy("split", [(one.version_id, 50), (two.version_id, 50)])
        assert {(await bench.get("split")).text for _ in range(40)} == {"one", "two"}

    run(node_parts, tmp_path, story)


def test_service_bindings_reach_the_other_workers_current_version_by_fetch_and_rpc(
    node_parts: Toolchain, tmp_path: Path
) -> None:
    callee = """
    import { WorkerEntrypoint } from "cloudflare:workers";
    export class Sums extends WorkerEntrypoint { async add(a, b) { return { sum: a + b, from: this.env.TEXT } } }
    export default { fetch(request, env) { return new Response("fetched " + env.TEXT) } }"""
    caller = """
    export default { async fetch(request, env) {
      return Response.json([await (await env.SITE.fetch("http://x/")).text(), await env.SUMS.add(2, 3)]);
    } }"""

    async def story(bench: Bench) -> None:
        await bench.deploy(bench.version("callee", callee, text("v1")))
        await bench.deploy(
            bench.version(
                "caller",
                caller,
                {"name": "SITE", "type": "service", "service": "callee"},
                {"name": "SUMS", "type": "service", "service": "callee", "entrypoint": "Sums"},
            )
        )
        assert (await bench.get("caller")).json() == ["fetched v1", {"sum": 5, "from": "v1"}]
        await bench.deploy(bench.version("callee", callee, text("v2")))
        assert (await bench.get("caller")).json() == ["fetched v2", {"sum": 5, "from": "v2"}]

    run(node_parts, tmp_path, story)


def test_durable_objects_keep_their_state_across_versions_and_restarts(node_parts: Toolchain, tmp_path: Path) -> None:
    code = """
    import { DurableObject } from "cloudflare:workers";
    export class Counter extends DurableObject {
      async next() {
        const n = ((await this.ctx.storage.get("n")) ?? 0) + 1;
        await this.ctx.storage.put("n", n);
        return n;
      }
    }
    export default { async fetch(request, env) {
      return new Response(await env.COUNTER.get(env.COUNTER.idFromName("one")).next());
    } }"""
    binding = {"name": "COUNTER", "type": "durable_object_namespace", "class_name": "Counter"}
    actors = (ActorClass("Counter", "c" * 32, sqlite=True),)

    async def story() -> None:
        async with opened(node_parts, tmp_path) as bench:
            await bench.deploy(bench.version("count", code, binding, actors=actors))
            assert [(await bench.get("count")).text for _ in range(2)] == ["1", "2"]
            await bench.deploy(bench.version("count", code + "//", binding, actors=actors))
            assert (await bench.get("count")).text == "3"
        async with opened(node_parts, tmp_path, before=bench) as again:
            last = list(again.versions)[-1]
            await again.runtime.deploy("count", [(last, 100)])
            await again.runtime.hosts({"count.local.localhost": "count"})
            assert (await again.get("count")).text == "4"

    asyncio.run(story())


def test_a_cron_fires_and_its_failure_is_told(node_parts: Toolchain, tmp_path: Path) -> None:
    code = """
    export default {
      async scheduled(event, env) {
        if (event.cron === "bad") throw new Error("no");
        await env.KV.put("cron", event.cron);
      },
      async fetch(request, env) { return new Response(await env.KV.get("cron")) } }"""

    async def story(bench: Bench) -> None:
        await bench.deploy(bench.version("cron", code, {"name": "KV", "type": "kv_namespace", "namespace_id": "n"}))
        assert await bench.runtime.scheduled("cron", "*/5 * * * *") == "ok"
        assert (await bench.get("cron")).text == "*/5 * * * *"
        assert await bench.runtime.scheduled("cron", "bad") == "exception"

    run(node_parts, tmp_path, story)


def test_a_queue_delivers_retries_and_moves_to_the_dead_letter_queue(node_parts: Toolchain, tmp_path: Path) -> None:
    producer = """
    export default { async fetch(request, env) {
      await env.Q.send({ n: 1 }); await env.Q.send("words", { contentType: "text" });
      await env.Q.sendBatch([{ body: { n: 2 } }, { body: "bad", contentType: "text" }]);
      return new Response("sent") } }"""
    consumer = """
    export default {
      async queue(batch, env) { for (const m of batch.messages) {
        if (m.body === "bad") { m.retry(); continue }
        await env.KV.put(batch.queue + ":" + JSON.stringify(m.body), String(m.attempts)); m.ack() } },
      async fetch(request, env) { return Response.json((await env.KV.list()).keys.map((key) => key.name)) } }"""
    kv = {"name": "KV", "type": "kv_namespace", "namespace_id": "q"}

    async def story(bench: Bench) -> None:
        await bench.deploy(bench.version("producer", producer, {"name": "Q", "type": "queue", "queue_name": "jobs"}))
        await bench.deploy(bench.version("consumer", consumer, kv))
        jobs = QueueConsumer("consumer", max_wait=0.1, max_retries=1, dead_letter_queue="dead")
        bench.runtime.consume({"jobs": jobs})
        assert (await bench.get("producer")).text == "sent"
        delivered = ['jobs:"words"', 'jobs:{"n":1}', 'jobs:{"n":2}']

        async def all_there() -> bool:
            return (await bench.get("consumer")).json() == delivered and bench.runtime.queue_backlog("dead") == 1

        await until(all_there)
        assert bench.runtime.queue_backlog("jobs") == 0

    run(node_parts, tmp_path, story)


def test_a_busy_loop_or_a_crash_of_one_worker_does_not_disturb_another(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.deploy(bench.version("calm", ECHO, text("calm")))
        loop = "export default { fetch() { for (;;) {} } }"
        busy = await bench.deploy(bench.version("busy", loop))
        stuck = asyncio.create_task(bench.get("busy"))
        assert (await asyncio.wait_for(bench.get("calm"), 2)).text == "calm"
        os.kill(bench.runtime._instances.running[busy.version_id].process.pid, signal.SIGKILL)
        assert (await stuck).status_code == 520
        assert (await bench.get("calm")).text == "calm"

    run(node_parts, tmp_path, story)


def test_killed_storage_worker_and_router_come_back_with_everything(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.runtime.d1("db", [("CREATE TABLE t (x)", []), ("INSERT INTO t VALUES (1)", [])], rows=True)
        version = await bench.deploy(bench.version("calm", ECHO, text("calm")))
        runtime = bench.runtime
        for process in (runtime._storage._process, runtime._router._process):
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
        os.kill(runtime._instances.running[version.version_id].process.pid, signal.SIGKILL)

        async def answers() -> bool:
            try:
                return (await bench.get("calm")).text == "calm"
            except httpx2.TransportError:
                return False

        async def stored() -> bool:
            try:
                return (await runtime.d1("db", [("SELECT x FROM t", [])], rows=True))[0]["results"]["rows"] == [[1]]
            except httpx2.TransportError:
                return False

        await until(answers)
        await until(stored)

    run(node_parts, tmp_path, story)


def test_an_idle_worker_costs_no_process_and_wakes_on_a_request(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.deploy(bench.version("lazy", ECHO, text("awake")))

        async def asleep() -> bool:
            return not bench.runtime._instances.running

        await until(asleep)
        assert (await bench.get("lazy")).text == "awake"

    run(node_parts, tmp_path, story, idle=0.3)


def test_an_exception_and_an_unknown_host_get_cloudflares_error_codes(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.deploy(bench.version("throws", "export default { fetch() { throw new Error('private words') } }"))
        thrown = await bench.get("throws")
        assert thrown.status_code == 500
        assert "error code: 1101" in thrown.text
        assert "private words" not in thrown.text
        assert (await bench.get("nobody")).status_code == 404

    run(node_parts, tmp_path, story)


def test_a_batch_is_atomic_and_its_error_is_the_engines(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        await bench.runtime.d1("db", [("CREATE TABLE t (x)", [])], rows=True)
        with pytest.raises(SqlError, match="no such table: missing"):
            await bench.runtime.d1("db", [("INSERT INTO t VALUES (1)", []), ("SELECT * FROM missing", [])], rows=True)
        left = await bench.runtime.d1("db", [("SELECT count(*) FROM t", [])], rows=True)
        assert left[0]["results"]["rows"] == [[0]]

    run(node_parts, tmp_path, story)


def test_a_snapshot_restores_a_database_while_the_engine_runs(node_parts: Toolchain, tmp_path: Path) -> None:
    async def story(bench: Bench) -> None:
        runtime = bench.runtime
        await runtime.d1("db", [("CREATE TABLE t (x)", []), ("INSERT INTO t VALUES ('before')", [])], rows=True)
        await runtime.d1_snapshot("db", tmp_path / "snapshot.sqlite")
        await runtime.d1("db", [("UPDATE t SET x = 'after'", [])], rows=True)
        await runtime.d1_restore("db", tmp_path / "snapshot.sqlite")
        rows = await runtime.d1("db", [("SELECT x FROM t", [])], rows=True)
        assert rows[0]["results"]["rows"] == [["before"]]
        with sqlite3.connect(tmp_path / "snapshot.sqlite") as snapshot:
            assert snapshot.execute("SELECT x FROM t").fetchall() == [("before",)]

    run(node_parts, tmp_path, story)
