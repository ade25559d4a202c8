"""Time Travel's snapshots: whole copies of a database file, one for each state that got a bookmark.

Local D1 keeps no history, so states are copied: exactly when a bookmark is asked for, before an import and a restore,
and before a write when the last copy is old enough (`d1_bookmarks.is_due`). Writes in quick succession therefore
share one state to return to, and writes through a Worker's binding are seen at the next of these occasions.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from dataclasses import replace
from pathlib import Path

from cattlegrid.local.api import d1_state
from cattlegrid.local.api.d1_bookmarks import Snapshot, bookmark, digest_of, is_due, surplus
from cattlegrid.local.runtime import Runtime
from cattlegrid.local.state import State

_PAGE = 4096
# A file's time comes from a clock that ticks every few milliseconds, and lies behind the time of the write.
_FILE_TIME_GRAIN = 0.01
# Journal mode, change counter, schema cookie, and the version that wrote last: they change without the content.
_UNSTABLE = (slice(18, 20), slice(24, 28), slice(40, 44), slice(92, 100))


def folder(state: State, uuid: str) -> Path:
    return state.folder / "d1-snapshots" / uuid


def file_of(state: State, uuid: str, snapshot: Snapshot) -> Path:
    return folder(state, uuid) / f"{snapshot.bookmark}.sqlite"


async def before_write(runtime: Runtime, state: State, uuid: str) -> None:
    """Keeps the state that a write is about to end, if the last kept one is old enough."""
    kept = d1_state.snapshots(state.db, uuid)
    if is_due(kept[-1] if kept else None, now=time.time()):
        await current(runtime, state, uuid)


async def current(runtime: Runtime, state: State, uuid: str, *, pinned: bool = False) -> Snapshot:
    """The snapshot of the database as it is now: the last one if nothing was written since, or a new one."""
    started = time.time()
    if untouched := _untouched(runtime, state, uuid):
        kept_on = replace(untouched, until=started, pinned=pinned or untouched.pinned)
        d1_state.keep(state.db, uuid, kept_on)
        return kept_on
    folder(state, uuid).mkdir(parents=True, exist_ok=True)
    fresh = folder(state, uuid) / f"fresh-{time.monotonic_ns()}"
    await runtime.d1_snapshot(uuid, fresh)
    digest, pages = await asyncio.to_thread(_content, fresh)
    now = time.time()
    kept = d1_state.snapshots(state.db, uuid)
    last = kept[-1] if kept else None
    if last is not None and digest_of(last.bookmark) == digest:
        await asyncio.to_thread(fresh.unlink)
        snapshot = replace(last, until=now, seconds=now - started, pinned=pinned or last.pinned)
    else:
        since = max(last.until if last else 0.0, min(started, runtime.d1_written(uuid) + _FILE_TIME_GRAIN))
        name = bookmark(d1_state.next_state(state.db, uuid), pages, digest)
        snapshot = Snapshot(name, since, now, now - started, pinned)
        fresh.rename(file_of(state, uuid, snapshot))
    d1_state.keep(state.db, uuid, snapshot)
    _thin(state, uuid, now)
    return snapshot


def _untouched(runtime: Runtime, state: State, uuid: str) -> Snapshot | None:
    """The last snapshot, when the database's files are older than the moment at which it was begun."""
    kept = d1_state.snapshots(state.db, uuid)
    begun = kept[-1].until - kept[-1].seconds if kept else 0.0
    return kept[-1] if 0.0 < runtime.d1_written(uuid) + _FILE_TIME_GRAIN < begun else None


async def restore(runtime: Runtime, state: State, uuid: str, snapshot: Snapshot) -> None:
    """Makes the database what it was; the caller has it to itself."""
    await runtime.d1_restore(uuid, file_of(state, uuid, snapshot))


def remove(state: State, uuid: str) -> None:
    """Removes all snapshots of a database."""
    shutil.rmtree(folder(state, uuid), ignore_errors=True)


def _thin(state: State, uuid: str, now: float) -> None:
    for gone in surplus(d1_state.snapshots(state.db, uuid), now=now):
        d1_state.forget(state.db, uuid, gone.bookmark)
        file_of(state, uuid, gone).unlink(missing_ok=True)


def _content(file: Path) -> tuple[str, int]:
    """A digest of what the database holds, and its pages."""
    content = hashlib.blake2b(digest_size=16)
    with file.open("rb") as opened:
        header = bytearray(opened.read(_PAGE))
        for unstable in _UNSTABLE:
            header[unstable] = bytes(unstable.stop - unstable.start)
        content.update(header)
        while piece := opened.read(1 << 20):
            content.update(piece)
        return content.hexdigest(), opened.tell() // _PAGE
