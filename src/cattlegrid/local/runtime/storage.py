"""The one process that owns every D1, KV and R2 file, and the way to ask it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx2
import orjson

from cattlegrid.local.runtime import process, simulators
from cattlegrid.local.runtime.process import StartFailed
from cattlegrid.local.runtime.version import SqlError

_RESULTS = b'{"success":true,"results":'
_META = b'},"meta":{'
_PAUSE = 0.5
_PULSE = 2.0
_PATIENCE = 10.0
_log = logging.getLogger("cattlegrid.local")


class Ask(Protocol):
    """A request to one namespace of a simulator, in the runtime's own protocol."""

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx2.Response: ...


class Storage:
    """Restarted when it ends on its own; requests wait for the restart."""

    def __init__(self, binary: Path, miniflare: Path, state: Path, sockets: Path, log: Path) -> None:
        self._binary = binary
        self._miniflare = miniflare
        self._state = state
        self._sockets = sockets
        self._log = log
        self._process: process.Workerd | None = None
        self._keepers: list[asyncio.Task[None]] = []
        self._busy: dict[str, str] = {}
        self.longest_call = 30.0
        self._up = asyncio.Event()
        self._clients: dict[str, httpx2.AsyncClient] = {}

    def socket(self, kind: str) -> Path:
        return self._sockets / f"{kind}.sock"

    async def start(self) -> None:
        for kind in simulators.KINDS:
            (self._state / kind).mkdir(parents=True, exist_ok=True)
            (self._state / f"{kind}-blobs").mkdir(parents=True, exist_ok=True)
        for name in simulators.SOCKETS:
            transport = httpx2.AsyncHTTPTransport(uds=str(self.socket(name)))
            self._clients[name] = httpx2.AsyncClient(transport=transport, timeout=None, trust_env=False)
        config = self._sockets / "storage.capnp"
        config.write_text(simulators.config(self._miniflare, self._state, self._sockets))
        await self._launch(config)
        self._keepers = [asyncio.create_task(self._keep(config)), asyncio.create_task(self._watch())]

    async def stop(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()
        if self._process is not None:
            await self._process.stop()

    async def restart(self) -> None:
        """End it at once, as the last resort against a query that does not end; returns when it serves again."""
        self._up.clear()
        if self._process is not None:
            self._process.kill()
        await self._ready()

    async def _ready(self) -> None:
        """Raises httpx2.ConnectError when the process does not come back."""
        try:
            await asyncio.wait_for(self._up.wait(), _PATIENCE)
        except TimeoutError:
            raise httpx2.ConnectError("the storage process is not running") from None

    def ask(self, kind: str, namespace: str) -> Ask:
        async def ask(
            method: str,
            path: str,
            *,
            headers: Mapping[str, str] | None = None,
            content: bytes | None = None,
            params: Mapping[str, str] | None = None,
        ) -> httpx2.Response:
            await self._ready()
            sent = {simulators.NAMESPACE: namespace, **(headers or {})}
            return await self._clients[kind].request(
                method, f"http://{kind}{path}", headers=sent, content=content, params=params
            )

        return ask

    async def d1(
        self, uuid: str, statements: Sequence[tuple[str, Sequence[object]]], *, rows: bool
    ) -> list[dict[str, Any]]:
        form = "ROWS_AND_COLUMNS" if rows else "ARRAY_OF_OBJECTS"
        answer = orjson.loads(await self._d1(uuid, _queries(statements), form))
        if not isinstance(answer, list):
            raise SqlError(_error(answer))
        return answer

    async def d1_unread(self, uuid: str, statements: Sequence[tuple[str, Sequence[object]]]) -> list[dict[str, Any]]:
        content = await self._d1(uuid, _queries(statements), "ROWS_AND_COLUMNS")
        if not content.startswith(b"[" + _RESULTS):
            raise SqlError(_error(orjson.loads(content)))
        return _unread(content)

    async def d1_export(self, uuid: str, *, no_schema: bool, no_data: bool, tables: Sequence[str]) -> str:
        params = [int(no_schema), int(no_data), *tables]
        queries = [{"sql": "PRAGMA miniflare_d1_export(?,?,?);", "params": params}]
        answer = orjson.loads(await self._d1(uuid, queries, None))
        if isinstance(answer, dict) and answer.get("success"):
            return "\n".join(answer["results"][0])
        raise SqlError(_error(answer))

    async def _d1(self, uuid: str, queries: Sequence[Mapping[str, object]], form: str | None) -> bytes:
        params = {"resultsFormat": form} if form else None
        response = await self.ask("d1", uuid)("POST", "/query", params=params, content=orjson.dumps(queries))
        if not response.is_success:
            raise SqlError(response.text.partition("\n")[0].removeprefix("Error: "))
        return response.content

    def d1_file(self, uuid: str) -> Path:
        """Where workerd keeps the object of this name: its id is derived from the class's key and the name."""
        key = hashlib.sha256(simulators.unique_key("d1").encode()).digest()
        base = hmac.new(key, uuid.encode(), hashlib.sha256).digest()[:16]
        check = hmac.new(key, base, hashlib.sha256).digest()[:16]
        return self._state / "d1" / simulators.unique_key("d1") / f"{(base + check).hex()}.sqlite"

    async def d1_busy(self, uuid: str, why: str | None) -> None:
        """Refuse Workers' queries to this database with `why`, or, with None, let them in again."""
        if why is None:
            self._busy.pop(uuid, None)
        else:
            self._busy[uuid] = why
        with suppress(httpx2.TransportError):
            await self._tell_gate(uuid, why)

    async def _tell_gate(self, uuid: str, why: str | None) -> None:
        await self._clients[simulators.GATE].post("http://gate/busy", json={"database": uuid, "why": why})

    async def _watch(self) -> None:
        """A Worker's query that does not end stops every database, and nothing ends it but the process's own end."""
        while True:
            await asyncio.sleep(_PULSE)
            if not self._up.is_set():
                continue
            try:
                await self._clients[simulators.GATE].get("http://gate/ping", timeout=self.longest_call)
            except httpx2.TimeoutException:
                _log.error("a query ran for %g s; the storage process is started again", self.longest_call)
                with suppress(httpx2.TransportError):
                    await self.restart()
            except httpx2.TransportError:
                continue  # It has just ended by itself and is being started again.

    async def d1_snapshot(self, uuid: str, to: Path) -> None:
        await asyncio.to_thread(_backup, self.d1_file(uuid), to)

    async def d1_restore(self, uuid: str, source: Path) -> None:
        await asyncio.to_thread(_backup, source, self.d1_file(uuid))

    def d1_size(self, uuid: str) -> int:
        file = self.d1_file(uuid)
        return file.stat().st_size if file.exists() else 0

    def d1_written(self, uuid: str) -> float:
        """When the database's files were last written, as seconds since 1970; 0 when there are none."""
        file = self.d1_file(uuid)
        files = (file, file.with_name(f"{file.name}-wal"))
        return max((one.stat().st_mtime for one in files if one.exists()), default=0.0)

    async def d1_delete(self, uuid: str) -> None:
        """The file goes at once; the object that may still hold it open is never asked again under this id."""
        file = self.d1_file(uuid)
        for one in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            one.unlink(missing_ok=True)

    async def _launch(self, config: Path) -> None:
        for name in simulators.SOCKETS:
            self.socket(name).unlink(missing_ok=True)
        self._process = await process.start(
            self._binary, config, sockets=list(simulators.SOCKETS), env={}, log=self._log / "storage.log"
        )
        for uuid, why in self._busy.items():
            await self._tell_gate(uuid, why)
        self._up.set()

    async def _keep(self, config: Path) -> None:
        while self._process is not None:
            await self._process.ended()
            self._up.clear()
            while not self._up.is_set():
                try:
                    await self._launch(config)
                except (OSError, StartFailed, TimeoutError) as failed:
                    _log.error("the storage process does not start, trying again: %s", failed)
                    await asyncio.sleep(_PAUSE)


def _queries(statements: Sequence[tuple[str, Sequence[object]]]) -> list[dict[str, object]]:
    return [{"sql": sql, "params": list(params)} for sql, params in statements]


def _unread(content: bytes) -> list[dict[str, Any]]:
    """Cuts an answer of rows and columns where each statement's results end. In a string the quotes would be escaped,
    and outside of strings nothing in rows and columns looks like that.
    """
    first, *rest = content.removesuffix(b"}]").split(_META)
    results, found = first.removeprefix(b"[" + _RESULTS), []
    for piece in rest:
        meta, _, following = piece.partition(b"}}," + _RESULTS)
        found.append({"results": results + b"}", "meta": orjson.loads(b"{" + meta.removesuffix(b"}") + b"}")})
        results = following
    return found


def _error(answer: Any) -> str:
    return str(answer.get("error", "internal error")) if isinstance(answer, dict) else "internal error"


def _backup(source: Path, to: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(to)) as other:
        one.backup(other)
