"""Import of a SQL file: init, upload, ingest, poll. The database is blocked; a failure leaves it as it was."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from starlette.responses import Response

from cattlegrid.local.api import d1_snapshots, d1_state
from cattlegrid.local.api.d1 import ONE, malformed, the_database
from cattlegrid.local.api.d1_bookmarks import Snapshot
from cattlegrid.local.api.d1_desk import Desk, desk, refused
from cattlegrid.local.api.d1_jobs import (
    BUSY_IMPORT,
    NO_IMPORT,
    Import,
    Totals,
    import_answer,
    import_done,
    import_failed,
    imported,
)
from cattlegrid.local.api.d1_transfers import transfers
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.runtime import Runtime
from cattlegrid.local.sql.limits import STATEMENT_BYTES, STATEMENT_TOO_LONG, Statement, refusal
from cattlegrid.local.sql.split import Splitter
from cattlegrid.local.state import NO_ROOM, State, disk_full

HOLD_SECONDS = 1.5
_BATCH_STATEMENTS, _BATCH_CHARACTERS, _PIECE = 10_000, 8 << 20, 1 << 18
_log = logging.getLogger("cattlegrid.local")
_ETAG = re.compile(r"[0-9a-f]{32}")
_DEFER = re.compile(r"\s*pragma\s+defer_foreign_keys\s*=\s*(?:true|on|1)\s*", re.IGNORECASE)


@dataclass
class Running:
    """An import under way or just ended; `task` ends with it and never raises."""

    job: Import
    filename: str
    task: asyncio.Task[None] | None = None


@route("POST", ONE + "/import", "import a SQL file: init, ingest, poll", scope="d1:write")
async def import_file(call: Call) -> Response:
    uuid, body = the_database(call).uuid, await call.object()
    files, etag = desk(call), str(body.get("etag") or "")
    match body.get("action"):
        case "init" | "ingest" as action:
            if _ETAG.fullmatch(etag) is None:
                raise malformed("etag must be the MD5 of the file, 32 hex digits")
            return ok(await _begin(files, call.base_url, uuid, etag, upload=action == "init"))
        case "poll":
            return ok(await _polled(files, uuid, str(body.get("current_bookmark") or "")))
        case _:
            raise malformed("action must be init, ingest or poll")


_RUNS: WeakKeyDictionary[Runtime, dict[str, Running]] = WeakKeyDictionary()


def _runs(files: Desk) -> dict[str, Running]:
    return _RUNS.setdefault(files.runtime, {})


async def _begin(files: Desk, base_url: str, uuid: str, etag: str, *, upload: bool) -> dict[str, Any]:
    if uuid in files.busy:
        return _refused(files.busy[uuid])
    file = transfers(files).uploaded(uuid, etag)
    if not file.is_file():
        if not upload:
            return _refused("The file was not uploaded, or its contents are not those of the etag.")
        return {"success": True, "filename": file.name, "upload_url": transfers(files).url(base_url, "PUT", file)}
    running = Running(Import(""), file.name)
    started = asyncio.Event()
    running.task = asyncio.create_task(_import(files, uuid, file, running, started))
    await begun(running.task, started)
    _runs(files)[uuid] = running
    return await _answer(running)


async def begun(task: asyncio.Task[None], started: asyncio.Event) -> None:
    """Waits until the job has told that it has started. Raises what ended it before."""
    telling = asyncio.create_task(started.wait())
    await asyncio.wait({task, telling}, return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    if not started.is_set():
        task.result()


async def _polled(files: Desk, uuid: str, at: str) -> dict[str, Any]:
    running = _runs(files).get(uuid)
    if running is None or at not in (running.job.bookmark, running.job.final_bookmark):
        return _refused(NO_IMPORT)
    return await _answer(running)


async def _answer(running: Running) -> dict[str, Any]:
    """Holds a poll until the import has ended, for HOLD_SECONDS at most: wrangler polls without a pause."""
    if running.task is not None:
        await asyncio.wait({running.task}, timeout=HOLD_SECONDS)
    return import_answer(running.job, filename=running.filename)


def _refused(error: str) -> dict[str, Any]:
    return {"success": False, "type": "import", "status": "error", "error": error, "errors": [error], "messages": []}


async def _import(files: Desk, uuid: str, file: Path, running: Running, started: asyncio.Event) -> None:
    async with files.alone(uuid, BUSY_IMPORT):
        before = await d1_snapshots.current(files.runtime, files.state, uuid, pinned=True)
        running.job = Import(before.bookmark)
        d1_state.importing(files.state.db, uuid, before.bookmark)
        started.set()
        try:
            await _ingest(files, uuid, file, running)
            after = await d1_snapshots.current(files.runtime, files.state, uuid, pinned=True)
            d1_state.import_ended(files.state.db, uuid)
            running.job = import_done(running.job, after.bookmark)
        except (ApiError, UnicodeDecodeError, OSError, sqlite3.OperationalError) as wrong:
            running.job = import_failed(running.job, await _returned(files, uuid, before, _why(wrong)))


async def _returned(files: Desk, uuid: str, before: Snapshot, why: str) -> str:
    """The import's error, after the database is as it was before; a full disk is waited for."""
    while True:
        try:
            await d1_snapshots.restore(files.runtime, files.state, uuid, before)
            d1_state.import_ended(files.state.db, uuid)
        except (OSError, sqlite3.OperationalError) as wrong:
            _log.error("database %s waits to be returned to %s: %s", uuid, before.bookmark, wrong)
            await asyncio.sleep(HOLD_SECONDS)
        else:
            return why


def _why(wrong: Exception) -> str:
    if isinstance(wrong, ApiError):
        return wrong.message
    if isinstance(wrong, UnicodeDecodeError):
        return "The file is not UTF-8 text."
    if disk_full(wrong):
        return NO_ROOM
    return f"internal error ({type(wrong).__name__})"


async def return_unfinished(runtime: Runtime, state: State) -> None:
    """An import whose control plane was killed has not happened: its database becomes what it was before."""
    for uuid, before in d1_state.unfinished_imports(state.db):
        await d1_snapshots.restore(runtime, state, uuid, before)
        d1_state.import_ended(state.db, uuid)


async def _ingest(files: Desk, uuid: str, file: Path, running: Running) -> None:
    async for batch in _batches(file):
        metas = [result["meta"] for result in await files.batch(uuid, batch, rows=True)]
        running.job = imported(running.job, running.job.totals.plus(metas))
    if running.job.totals == Totals():
        raise refused("No SQL statements detected.")


async def _batches(file: Path) -> AsyncIterator[list[Statement]]:
    """The file's statements in lots that the engine can take in one transaction each."""
    batch, characters, defer = list[Statement](), 0, False
    for sql in _statements(file):
        statement = Statement(sql)
        if why := refusal(statement):
            raise refused(why)
        batch.append(statement)
        characters += len(sql)
        defer = defer or _DEFER.fullmatch(sql) is not None
        if len(batch) >= _BATCH_STATEMENTS or characters >= _BATCH_CHARACTERS:
            yield batch
            # the pragma ends with its transaction
            batch, characters = [Statement("PRAGMA defer_foreign_keys = TRUE")] if defer else [], 0
            await asyncio.sleep(0)
    if batch:
        yield batch


def _statements(file: Path) -> Iterator[str]:
    splitter = Splitter()
    with file.open(encoding="utf-8", newline="") as text:
        while piece := text.read(_PIECE):
            yield from splitter.feed(piece)
            if splitter.pending > STATEMENT_BYTES + _PIECE:
                raise refused(STATEMENT_TOO_LONG)
    yield from splitter.close()
