"""The Node process in front of all Workers, and the conversation with it."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from cattlegrid.local.runtime.process import die_with_parent

_SCRIPT: Final = Path(__file__).with_name("router.mjs")
_PAUSE: Final = 0.5
_log = logging.getLogger("cattlegrid.local")


class PortTaken(Exception):
    """The router's port belongs to another program; the text names the port."""


class Router:
    """Restarted when it ends on its own. `heard` is called with every event that is not an answer."""

    def __init__(
        self, node: Path, port: int, idle_seconds: float, log: Path, heard: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._argv = (str(node), str(_SCRIPT), str(port), str(idle_seconds))
        self._port = port
        self._log = log
        self._heard = heard
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._numbers = itertools.count()
        self._tables = 0
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._remembered: dict[str, Mapping[str, Any]] = {}

    async def start(self) -> None:
        """Raises PortTaken."""
        await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def table(self, hosts: list[Mapping[str, str]], scripts: Mapping[str, Any]) -> None:
        """Returns when requests follow the new table, those too that wait for a version to wake.

        The event `wake` says after which table it was decided; `stale` tells whether another one has come since.
        """
        self._tables += 1
        order = {"do": "table", "hosts": hosts, "scripts": scripts, "number": self._tables}
        await self._order(order, remember="table")

    def stale(self, table: int) -> bool:
        return table < self._tables

    async def awake(self, version: str, socket: Path) -> None:
        await self._order({"do": "awake", "version": version, "socket": str(socket)}, remember=version)

    async def failed(self, version: str, why: str) -> None:
        await self._order({"do": "failed", "version": version, "why": why})

    async def touch(self, version: str) -> None:
        await self._order({"do": "touch", "version": version})

    async def asleep(self, version: str) -> None:
        """Sends nothing more to it; the event `drained` follows when its last request has ended."""
        self._remembered.pop(version, None)
        await self._order({"do": "asleep", "version": version})

    async def tails(self, known: list[str]) -> None:
        """Exactly these may be followed, at `/tails/<id>`; the event `untailed` tells when a follower has gone."""
        await self._order({"do": "tails", "known": known}, remember="tails")

    async def trace(self, tail: str, text: str) -> None:
        await self._order({"do": "trace", "tail": tail, "text": text})

    def forget(self, version: str) -> None:
        """The router itself has put this version to sleep."""
        self._remembered.pop(version, None)

    async def _order(self, order: dict[str, Any], *, remember: str | None = None) -> None:
        if remember is not None:
            self._remembered[remember] = dict(order)
        await self._ready.wait()
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._write({**order, "id": number})
        await answer

    def _write(self, order: Mapping[str, Any]) -> None:
        process = cast("asyncio.subprocess.Process", self._process)
        cast("asyncio.StreamWriter", process.stdin).write(json.dumps(order).encode() + b"\n")

    async def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={},
                preexec_fn=die_with_parent,
                start_new_session=True,
                limit=2**20,
            )
        first = json.loads(await _output(self._process).readline() or "{}")
        if first.get("event") != "ready":
            await self._process.wait()
            raise PortTaken(f"port {self._port} of the router cannot be used: {first.get('why', 'it did not start')}")
        for order in self._remembered.values():
            self._write(order)
        self._ready.set()

    async def _keep(self) -> None:
        while self._process is not None:
            while line := await _output(self._process).readline():
                event = json.loads(line)
                if event["event"] == "done":
                    self._answered(event["id"])
                else:
                    self._heard(event)
            self._ready.clear()
            for number in list(self._answers):
                self._answered(number)
            try:
                await self._launch()
            except (PortTaken, OSError) as failed:
                _log.error("the router does not start, trying again: %s", failed)
                await asyncio.sleep(_PAUSE)

    def _answered(self, number: int) -> None:
        answer = self._answers.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(None)


def _output(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    return cast("asyncio.StreamReader", process.stdout)
