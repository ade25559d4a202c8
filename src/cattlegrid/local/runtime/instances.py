"""One process for each running version: started on demand, one at a time for a script that owns Durable Objects."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from cattlegrid.local.runtime import process, worker
from cattlegrid.local.runtime.process import StartFailed, Workerd
from cattlegrid.local.runtime.version import ScriptError, WorkerVersion

_OURS: Final = re.compile(r"^service (?:user|[\w:.-]+): ", re.MULTILINE)
_INTERNAL: Final = re.compile(r"^(?:workerd/|kj/|src/workerd).*$|; stack: .*$|\bstack: [0-9a-f@ ].*$", re.MULTILINE)


@dataclass
class Instance:
    version: WorkerVersion
    folder: Path
    process: Workerd

    @property
    def http(self) -> Path:
        return self.folder / "http.sock"

    @property
    def debug(self) -> Path:
        return self.folder / "debug.sock"

    async def post(self, path: str, event: object) -> httpx2.Response:
        """Hand an event to the door beside the Worker."""
        transport = httpx2.AsyncHTTPTransport(uds=str(self.folder / "door.sock"))
        async with httpx2.AsyncClient(transport=transport, timeout=None, trust_env=False) as client:
            return await client.post(f"http://door{path}", json=event)


class Instances:
    """`ended` is awaited with the id of a version whose process ended on its own."""

    def __init__(
        self,
        binary: Path,
        logs: Path,
        sockets: Path,
        place: Callable[[Path, str], worker.Place],
        ended: Callable[[str], Awaitable[None]],
    ) -> None:
        self._binary = binary
        self._logs = logs
        self._sockets = sockets
        self._place = place
        self._ended = ended
        self._watchers: set[asyncio.Task[None]] = set()
        self.running: dict[str, Instance] = {}

    async def start(self, version: WorkerVersion) -> Instance:
        """Raises ScriptError."""
        folder = self._folder(version)
        instance = await self._launch(version, folder, self._place(folder, version.script))
        self.running[version.version_id] = instance
        watcher = asyncio.create_task(self._watch(instance))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return instance

    async def try_out(self, version: WorkerVersion) -> int:
        """Start it with Durable Objects in memory, and stop it; milliseconds it took. Raises ScriptError."""
        folder = self._folder(version, "-try")
        place = self._place(folder, version.script)
        without_disk = worker.Place(place.miniflare, folder, None, place.storage, place.broker)
        instance = await self._launch(version, folder, without_disk)
        await self._remove(instance)
        return _milliseconds(instance.process)

    async def handlers(self, version: WorkerVersion) -> tuple[str, ...]:
        """The events that the script handles. Raises ScriptError."""
        folder = self._folder(version, "-handlers")
        configured = worker.configure_inspection(version, self._place(folder, version.script))
        started = await self._workerd(version, folder, configured, ["handlers"])
        try:
            transport = httpx2.AsyncHTTPTransport(uds=str(folder / "handlers.sock"))
            async with httpx2.AsyncClient(transport=transport, timeout=10, trust_env=False) as client:
                answer = await client.get("http://handlers/")
            return tuple(answer.json()) if answer.is_success else ("fetch",)
        finally:
            started.kill()
            await started.stop()
            shutil.rmtree(folder, ignore_errors=True)

    async def stop(self, version_id: str) -> None:
        instance = self.running.pop(version_id, None)
        if instance is not None:
            await self._remove(instance)

    async def stop_all(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*(self.stop(version_id) for version_id in list(self.running)))

    def _folder(self, version: WorkerVersion, suffix: str = "") -> Path:
        folder = self._sockets / (version.version_id.replace("-", "")[:16] + suffix)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    async def _launch(self, version: WorkerVersion, folder: Path, place: worker.Place) -> Instance:
        configured = worker.configure(version, place)
        started = await self._workerd(version, folder, configured, ["http", "door"], folder / "debug.sock")
        return Instance(version, folder, started)

    async def _workerd(
        self,
        version: WorkerVersion,
        folder: Path,
        configured: worker.Configured,
        sockets: list[str],
        debug: Path | None = None,
    ) -> Workerd:
        config = folder / "worker.capnp"
        config.write_text(configured.config)
        log = self._logs / f"{version.script}.log"
        try:
            return await process.start(
                self._binary, config, sockets=sockets, env=configured.environment, log=log, debug=debug
            )
        except StartFailed as failed:
            shutil.rmtree(folder, ignore_errors=True)
            raise ScriptError(_message(str(failed))) from failed
        except TimeoutError:
            shutil.rmtree(folder, ignore_errors=True)
            raise ScriptError("Script startup exceeded CPU time limit.") from None

    async def _watch(self, instance: Instance) -> None:
        await instance.process.ended()
        version_id = instance.version.version_id
        if self.running.get(version_id) is instance:
            del self.running[version_id]
            await self._ended(version_id)

    async def _remove(self, instance: Instance) -> None:
        await instance.process.stop()
        shutil.rmtree(instance.folder, ignore_errors=True)


def _milliseconds(workerd: Workerd) -> int:
    return max(1, round(workerd.started_in * 1000))


def _message(words: str) -> str:
    """The JavaScript error in what workerd printed, without workerd's own names and stack addresses."""
    said = _INTERNAL.sub("", _OURS.sub("", words)).strip()
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    return "\n".join(lines[:20]) or "the script could not be started, and workerd did not say why"
