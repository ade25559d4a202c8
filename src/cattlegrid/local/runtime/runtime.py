"""The data plane: what the control plane asks for, done with the storage, the router, the broker and the instances."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cattlegrid.local.runtime import alarms
from cattlegrid.local.runtime.broker import Broker
from cattlegrid.local.runtime.instances import Instance, Instances
from cattlegrid.local.runtime.router import Router
from cattlegrid.local.runtime.storage import Ask, Storage
from cattlegrid.local.runtime.tails import Tail, Tails, wanted
from cattlegrid.local.runtime.version import QueueConsumer, ScriptError, Validated, WorkerVersion
from cattlegrid.local.runtime.worker import Place, front_service

_DRAIN: Final = 30.0
_RPC_GRACE: Final = 3.0
_SHORTEST_SLEEP: Final = 1.0

Traffic = Sequence[tuple[str, float]]


class Runtime:
    """Workers on workerd. `resolve(version_id)` gives a version that is to be started again, from the control state."""

    def __init__(
        self,
        *,
        state: Path,
        node: Path,
        modules: Path,
        router_port: int,
        idle_seconds: float,
        resolve: Callable[[str], WorkerVersion],
    ) -> None:
        self._state = state
        self._resolve = resolve
        self._idle = idle_seconds
        self._sockets = Path(tempfile.mkdtemp(prefix="cattlegrid-"))
        self._miniflare = modules / "miniflare"
        binary = modules / "workerd" / "bin" / "workerd"
        logs = state / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._storage = Storage(binary, self._miniflare, state / "storage", self._sockets, logs)
        self.tails = Tails()
        self._broker = Broker(
            state / "queues.sqlite", self._sockets / "broker.sock", self._deliver, self._where, self._traced
        )
        self._router = Router(node, router_port, idle_seconds, logs / "router.log", self._heard)
        self._instances = Instances(binary, logs, self._sockets, self._place, self._ended)
        self._traffic: dict[str, list[tuple[str, float]]] = {}
        self._previews: dict[str, list[str]] = {}
        self._hosts: list[Mapping[str, str]] = []
        self._locks: dict[str, asyncio.Lock] = {}
        self._drained: dict[str, asyncio.Event] = {}
        self._called: dict[str, float] = {}
        self._leaving: set[str] = set()
        self._alarms: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Ends what a killed predecessor left, then starts the parts that always run. Raises router.PortTaken."""
        await asyncio.to_thread(_clear_leftovers, self._state / "sockets", self._sockets)
        (self._state / "actors").mkdir(exist_ok=True)
        await self._storage.start()
        await self._broker.start()
        await self._router.start()

    async def stop(self) -> None:
        for script in list(self._alarms):
            self._forget_alarm(script)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._router.stop()
        await self._broker.stop()
        await self._instances.stop_all()
        await self._storage.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    # ---- versions

    async def validate(self, version: WorkerVersion) -> Validated:
        """Start it; that is the validation. It stays up for the deployment that usually follows. Raises ScriptError."""
        async with self._lock(version.script):
            if version.actors:
                took = await self._instances.try_out(version)
            else:
                instance = await self._instances.start(version)
                took = max(1, round(instance.process.started_in * 1000))
                await self._router.awake(version.version_id, instance.http)
        known = self._previews.setdefault(version.script, [])
        if version.version_id not in known:
            known.append(version.version_id)
        if version.main_module is None:
            return Validated(took, ("fetch",))
        try:
            return Validated(took, await self._instances.handlers(version))
        except ScriptError:
            return Validated(took, ("fetch",))

    async def deploy(self, script: str, traffic: Traffic) -> None:
        """Let these versions answer, by percentage; 0 % only by override. Raises ScriptError."""
        async with self._lock(script):
            before = [version for version, _ in self._traffic.get(script, ())]
            leaving = [version for version in before if version not in dict(traffic)]
            owns_actors = any(self._resolve(version).actors for version, _ in traffic)
            if owns_actors:
                for version_id in leaving:
                    await self._retire(version_id)
            else:
                for version_id, percentage in traffic:
                    if percentage > 0:
                        await self._ensure(version_id)
            self._traffic[script] = list(traffic)
            await self._publish()
        if not owns_actors:
            for version_id in leaving:
                self._later(self._retire(version_id))

    def resume(self, script: str, traffic: Traffic) -> None:
        """What was deployed before a restart: started by its first request. Published with the next `hosts`."""
        self._traffic[script] = list(traffic)
        self._await_alarm(script)

    async def withdraw(self, script: str, namespaces: Sequence[str]) -> None:
        """Nothing of this script answers any more; the objects of these namespaces are forgotten."""
        async with self._lock(script):
            self._traffic.pop(script, None)
            versions = self._previews.pop(script, [])
            await self._publish()
            self._forget_alarm(script)
            if namespaces:
                for version_id in [one for one in versions if one in self._instances.running]:
                    await self._retire(version_id)
                for namespace in namespaces:
                    shutil.rmtree(self._state / "actors" / namespace, ignore_errors=True)
        for version_id in versions:
            if version_id in self._instances.running:
                self._later(self._retire(version_id))

    async def previews(self, script: str, version_ids: Sequence[str]) -> None:
        """The versions that answer at their own address, `<first 8 digits>-<script>…`."""
        self._previews[script] = list(version_ids)
        await self._publish()

    async def hosts(self, table: Mapping[str, str]) -> None:
        """Who answers where: `host` or `host/path*` (either may begin or end with `*`) to a script's name."""
        self._hosts = sorted(map(_host, table.items()), key=_unspecific)
        await self._publish()

    async def scheduled(self, script: str, cron: str, at: datetime | None = None) -> str:
        """Fire a cron at the live version; the outcome in workerd's words, `ok` or `exception`."""
        instance = await self._live(script)
        moment = (at or datetime.now(UTC)).timestamp() * 1000
        answer = await instance.post("/scheduled", {"cron": cron, "time": moment})
        return str(answer.json()["outcome"]) if answer.is_success else "exception"

    # ---- queues

    def consume(self, consumers: Mapping[str, QueueConsumer]) -> None:
        """Exactly these consumers, by queue name."""
        self._broker.consume(consumers)

    def queue_backlog(self, queue: str) -> int:
        return self._broker.backlog(queue)

    def queue_purge(self, queue: str) -> None:
        self._broker.purge(queue)

    def queue_put(self, queue: str, messages: Sequence[tuple[bytes, str, float]]) -> None:
        """Messages as (body, content type, delay in seconds)."""
        self._broker.put(queue, messages)

    # ---- tails

    async def tail(self, script: str, filters: Sequence[Mapping[str, Any]]) -> Tail:
        """Follow a script's events at the router's `/tails/<id>`; its processes are started again to tell them."""
        others = self.tails.of(script)
        tail = self.tails.start(script, filters)
        await self._router.tails(list(self.tails.open))
        if not others:
            await self._restart_instances(script)
        return tail

    async def untail(self, tail_id: str) -> None:
        tail = self.tails.open.pop(tail_id, None)
        await self._router.tails(list(self.tails.open))
        if tail is not None and not self.tails.of(tail.script):
            await self._restart_instances(tail.script)

    async def _restart_instances(self, script: str) -> None:
        """The next request starts them; one that comes meanwhile waits for it."""
        async with self._lock(script):
            for one in [one for one in self._instances.running.values() if one.version.script == script]:
                await self._retire(one.version.version_id)

    async def _traced(self, script: str, version_id: str, events: Sequence[dict[str, Any]]) -> None:
        for event in events:
            told = {**event, "scriptName": script, "scriptVersion": {"id": version_id}}
            for tail in self.tails.of(script):
                if wanted(told, tail.filters):
                    await self._router.trace(tail.id, json.dumps(told))

    # ---- storage

    async def d1(
        self, uuid: str, statements: Sequence[tuple[str, Sequence[object]]], *, rows: bool
    ) -> list[dict[str, Any]]:
        """One atomic batch; `results` are objects, or `{"columns", "rows"}`. Raises SqlError."""
        return await self._storage.d1(uuid, statements, rows=rows)

    async def d1_unread(self, uuid: str, statements: Sequence[tuple[str, Sequence[object]]]) -> list[dict[str, Any]]:
        """As `d1` with `rows`, but the `results` of each statement are still the bytes of their JSON."""
        return await self._storage.d1_unread(uuid, statements)

    async def d1_export(self, uuid: str, *, no_schema: bool, no_data: bool, tables: Sequence[str]) -> str:
        return await self._storage.d1_export(uuid, no_schema=no_schema, no_data=no_data, tables=tables)

    async def d1_busy(self, uuid: str, why: str | None) -> None:
        """Refuse Workers' queries to this database with `why`, or, with None, let them in again."""
        await self._storage.d1_busy(uuid, why)

    def longest_call(self, seconds: float) -> None:
        """How long a Worker's query may hold up the databases before their process is started again."""
        self._storage.longest_call = seconds

    async def d1_snapshot(self, uuid: str, to: Path) -> None:
        await self._storage.d1_snapshot(uuid, to)

    async def d1_restore(self, uuid: str, source: Path) -> None:
        await self._storage.d1_restore(uuid, source)

    async def d1_delete(self, uuid: str) -> None:
        await self._storage.d1_delete(uuid)

    async def d1_size(self, uuid: str) -> int:
        return self._storage.d1_size(uuid)

    def d1_written(self, uuid: str) -> float:
        return self._storage.d1_written(uuid)

    def storage(self, kind: str, namespace: str) -> Ask:
        """Raw access to one namespace of a simulator: `kv` or `r2`."""
        return self._storage.ask(kind, namespace)

    async def restart_storage(self) -> None:
        await self._storage.restart()

    # ---- inside

    def _place(self, folder: Path, script: str) -> Place:
        actors, storage, broker = self._state / "actors", self._storage.socket, self._broker.socket
        return Place(self._miniflare, folder, actors, storage, broker, tailed=bool(self.tails.of(script)))

    def _lock(self, script: str) -> asyncio.Lock:
        return self._locks.setdefault(script, asyncio.Lock())

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self) -> None:
        scripts = {
            script: {"traffic": self._traffic.get(script, []), "known": self._previews.get(script, [])}
            for script in {*self._traffic, *self._previews}
        }
        await self._router.table(self._hosts, scripts)

    def _heard(self, event: Mapping[str, Any]) -> None:
        version_id = str(event.get("version", ""))
        if event["event"] == "wake":
            self._later(self._wake(version_id, int(event["table"])))
        elif event["event"] == "idle":
            self._router.forget(version_id)
            self._later(self._sleep(version_id))
        elif event["event"] == "untailed":
            self._later(self.untail(str(event["tail"])))
        elif event["event"] == "drained":
            self._drained.setdefault(version_id, asyncio.Event()).set()

    async def _wake(self, version_id: str, table: int) -> None:
        """After another table the router has asked anew for what its requests still wait for."""
        try:
            script = self._resolve(version_id).script
            async with self._lock(script):
                if not self._router.stale(table):
                    await self._ensure(version_id)
        except (ScriptError, LookupError, OSError) as error:
            await self._router.failed(version_id, str(error))

    async def _sleep(self, version_id: str) -> None:
        instance = self._instances.running.get(version_id)
        if instance is None:
            return
        async with self._lock(instance.version.script):
            if time.monotonic() - self._called.get(version_id, 0.0) < self._idle:
                await self._router.awake(version_id, instance.http)
            else:
                await self._instances.stop(version_id)
                self._await_alarm(instance.version.script)

    def _await_alarm(self, script: str) -> None:
        """Wake the sleeping script when the first alarm of its Durable Objects is due."""
        self._forget_alarm(script)
        live = next((version for version, percentage in self._traffic.get(script, ()) if percentage > 0), None)
        owned = [actor.namespace_id for actor in self._resolve(live).actors] if live else []
        due = alarms.earliest(self._state / "actors", owned)
        if due is not None:
            delay = max(_SHORTEST_SLEEP, due - time.time())
            self._alarms[script] = asyncio.get_running_loop().call_later(delay, self._ring, script)

    def _ring(self, script: str) -> None:
        self._alarms.pop(script, None)
        self._later(self._awaken(script))

    async def _awaken(self, script: str) -> None:
        with suppress(ScriptError, LookupError, OSError):
            await self._live(script)

    def _forget_alarm(self, script: str) -> None:
        if pending := self._alarms.pop(script, None):
            pending.cancel()

    async def _ensure(self, version_id: str) -> Instance:
        """The version's process, started if need be. The caller holds the script's lock."""
        instance = self._instances.running.get(version_id)
        self._leaving.discard(version_id)
        if instance is None or not instance.process.alive:
            version = self._resolve(version_id)
            if version.actors:
                for other in [one for one in self._instances.running.values() if one.version.script == version.script]:
                    await self._retire(other.version.version_id)
            instance = await self._instances.start(version)
        await self._router.awake(version_id, instance.http)
        return instance

    async def _retire(self, version_id: str) -> None:
        """Stop a version when its last request has ended, unless it is wanted again by then."""
        instance = self._instances.running.get(version_id)
        self._leaving.add(version_id)
        drained = self._drained[version_id] = asyncio.Event()
        await self._router.asleep(version_id)
        with suppress(TimeoutError):
            await asyncio.wait_for(drained.wait(), _DRAIN)
        called = time.monotonic() - self._called.get(version_id, 0.0)
        if called < _RPC_GRACE:
            await asyncio.sleep(_RPC_GRACE - called)
        wanted_again = version_id not in self._leaving
        self._leaving.discard(version_id)
        if instance is not None and not wanted_again and self._instances.running.get(version_id) is instance:
            await self._instances.stop(version_id)

    async def _ended(self, version_id: str) -> None:
        await self._router.asleep(version_id)
        with suppress(LookupError):
            self._await_alarm(self._resolve(version_id).script)

    async def _live(self, script: str) -> Instance:
        traffic = self._traffic.get(script)
        if not traffic:
            raise LookupError(f'Worker "{script}" is not deployed')
        weights = [percentage for _, percentage in traffic]
        version_id = random.choices([version for version, _ in traffic], weights)[0]  # noqa: S311 - traffic, not a secret
        async with self._lock(script):
            instance = await self._ensure(version_id)
        self._called[version_id] = time.monotonic()
        await self._router.touch(version_id)
        return instance

    async def _where(self, script: str) -> Mapping[str, Any]:
        instance = await self._live(script)
        return {"debug": str(instance.debug), "service": front_service(instance.version)}

    async def _deliver(self, script: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            instance = await self._live(script)
            answer = await instance.post("/queue", event)
        except (LookupError, ScriptError, OSError):
            return {"outcome": "exception"}
        result: Mapping[str, Any] = answer.json() if answer.is_success else {"outcome": "exception"}
        return result


def _host(entry: tuple[str, str]) -> Mapping[str, str]:
    pattern, script = entry
    host, slash, path = pattern.removeprefix("https://").removeprefix("http://").partition("/")
    return {"host": host.lower(), "path": f"/{path}" if slash else "/*", "script": script}


def _unspecific(entry: Mapping[str, str]) -> tuple[bool, int, int]:
    return entry["host"].startswith("*"), -len(entry["host"]), -len(entry["path"])


def _clear_leftovers(record: Path, sockets: Path) -> None:
    """End processes that still name the sockets of a run that was killed; then record this run's."""
    before = record.read_text().strip() if record.exists() else ""
    if before:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if before.encode() in (process / "cmdline").read_bytes() and process.name != str(os.getpid()):
                    os.kill(int(process.name), signal.SIGKILL)
        shutil.rmtree(before, ignore_errors=True)
    record.write_text(str(sockets))
