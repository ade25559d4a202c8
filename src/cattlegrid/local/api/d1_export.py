"""Export to SQL text: goes on while it is polled, blocks the database until it is fetched, and is else cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from starlette.responses import Response

from cattlegrid.local.api import d1_snapshots
from cattlegrid.local.api.d1 import ONE, malformed, the_database
from cattlegrid.local.api.d1_desk import Desk, desk
from cattlegrid.local.api.d1_import import HOLD_SECONDS, begun
from cattlegrid.local.api.d1_jobs import (
    BUSY_EXPORT,
    NO_EXPORT,
    Export,
    export_abandoned,
    export_answer,
    export_done,
    export_failed,
    export_polled,
)
from cattlegrid.local.api.d1_transfers import transfers
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.runtime import Runtime, SqlError

_WATCH_SECONDS = 0.5
NOT_SERVED = 7000
_log = logging.getLogger("cattlegrid.local")


@dataclass(frozen=True)
class Options:
    no_schema: bool
    no_data: bool
    tables: tuple[str, ...]


@dataclass
class Running:
    """An export under way. `collected` is set when a poll was told how it ended."""

    job: Export
    base_url: str
    collected: asyncio.Event = field(default_factory=asyncio.Event)
    dump: asyncio.Task[None] | None = None
    task: asyncio.Task[None] | None = None


@route("POST", ONE + "/export", "export as SQL, polled until it is complete", scope="d1:write")
async def export(call: Call) -> Response:
    uuid, body = the_database(call).uuid, await call.object()
    if body.get("output_format") != "polling":
        raise malformed("output_format must be polling")
    files, at = desk(call), body.get("current_bookmark")
    running = _runs(files).get(uuid)
    if running is not None and (at == running.job.bookmark or (at is None and files.busy.get(uuid) == BUSY_EXPORT)):
        return ok(await _polled(running))
    if at is not None:
        return ok(_refused(NO_EXPORT))
    if uuid in files.busy:
        return ok(_refused(files.busy[uuid]))
    return ok(await _begin(files, call.base_url, uuid, _options(body.get("dump_options") or {})))


def _options(said: Any) -> Options:
    tables = said.get("tables") or [] if isinstance(said, dict) else None
    if not isinstance(tables, list) or not all(isinstance(table, str) for table in tables):
        raise malformed("dump_options.tables must be a list of names")
    if said.get("compatibility") not in (None, "d1"):
        message = f"dump_options.compatibility {said['compatibility']!r} is not served by the local Cloudflare"
        raise ApiError(501, NOT_SERVED, message, result=[])
    if said.get("no_schema") and said.get("no_data"):
        raise malformed("an export without schema and without data is empty")
    return Options(bool(said.get("no_schema")), bool(said.get("no_data")), tuple(tables))


_RUNS: WeakKeyDictionary[Runtime, dict[str, Running]] = WeakKeyDictionary()


def _runs(files: Desk) -> dict[str, Running]:
    return _RUNS.setdefault(files.runtime, {})


async def _begin(files: Desk, base_url: str, uuid: str, options: Options) -> dict[str, Any]:
    running = Running(Export("", time.monotonic()), base_url)
    started = asyncio.Event()
    running.task = asyncio.create_task(_export(files, uuid, options, running, started))
    await begun(running.task, started)
    _runs(files)[uuid] = running
    return export_answer(running.job)


async def _polled(running: Running) -> dict[str, Any]:
    running.job = export_polled(running.job, time.monotonic())
    if running.dump is not None:
        await asyncio.wait({running.dump}, timeout=HOLD_SECONDS)
        if running.dump.done() and running.dump.exception() is not None:
            _log.error("an export ended with %r", running.dump.exception())
            running.job = export_failed(running.job, "D1 Export error: internal error")
    if running.job.status != "active":
        running.collected.set()
    if running.job.status != "active" and running.task is not None:
        await asyncio.wait({running.task})
    return export_answer(running.job)


def _refused(error: str) -> dict[str, Any]:
    return {"success": False, "type": "export", "status": "error", "error": error, "errors": [error], "messages": []}


async def _export(files: Desk, uuid: str, options: Options, running: Running, started: asyncio.Event) -> None:
    async with files.alone(uuid, BUSY_EXPORT):
        snapshot = await d1_snapshots.current(files.runtime, files.state, uuid)
        running.job = Export(snapshot.bookmark, time.monotonic())
        running.dump = asyncio.create_task(_dump(files, uuid, options, running))
        started.set()
        while not running.collected.is_set() and not export_abandoned(running.job, time.monotonic()):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running.collected.wait(), _WATCH_SECONDS)
    if not running.collected.is_set():
        running.dump.cancel()
        _runs(files).pop(uuid, None)


async def _dump(files: Desk, uuid: str, options: Options, running: Running) -> None:
    try:
        sql = await files.runtime.d1_export(
            uuid, no_schema=options.no_schema, no_data=options.no_data, tables=options.tables
        )
    except SqlError as wrong:
        running.job = export_failed(running.job, str(wrong))
        return
    file = transfers(files).exported(uuid, running.job.bookmark)
    await asyncio.to_thread(transfers(files).write, file, sql)
    running.job = export_done(running.job, file.name, transfers(files).url(running.base_url, "GET", file))
