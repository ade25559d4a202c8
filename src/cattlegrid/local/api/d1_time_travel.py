"""Time Travel over REST: the bookmark of a moment, and the way back to one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.responses import Response

from cattlegrid.local.api import d1_snapshots, d1_state
from cattlegrid.local.api.d1 import ONE, malformed, the_database
from cattlegrid.local.api.d1_bookmarks import BookmarkError, Snapshot, at_bookmark, at_time
from cattlegrid.local.api.d1_desk import desk
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route

BUSY_RESTORE = "D1 DB is being restored by Time Travel."
RESTORES, RESTORE_SECONDS = 10, 600.0
_THROTTLED = 971


@route("GET", ONE + "/time_travel/bookmark", "the bookmark of now or of a timestamp", scope="d1:read")
async def get_bookmark(call: Call) -> Response:
    uuid = the_database(call).uuid
    now = await d1_snapshots.current(call.runtime, call.state, uuid, pinned="timestamp" not in call.query)
    snapshot = _chosen(call, uuid, call.query) if "timestamp" in call.query else now
    return ok({"bookmark": snapshot.bookmark})


@route("POST", ONE + "/time_travel/restore", "restore to a bookmark or timestamp, in place", scope="d1:write")
async def restore(call: Call) -> Response:
    uuid = the_database(call).uuid
    asked = {**await call.object(), **call.query}
    before = time.time() - RESTORE_SECONDS
    if d1_state.restores_since(call.state.db, uuid, before) >= RESTORES:
        raise ApiError(429, _THROTTLED, f"Please wait: {RESTORES} restores per 10 minutes and database", result=[])
    async with desk(call).alone(uuid, BUSY_RESTORE):
        previous = await d1_snapshots.current(call.runtime, call.state, uuid, pinned=True)
        chosen = _chosen(call, uuid, asked)
        await d1_snapshots.restore(call.runtime, call.state, uuid, chosen)
        await d1_snapshots.current(call.runtime, call.state, uuid)
    d1_state.restored(call.state.db, uuid, time.time())
    message = f"The database has been restored to bookmark {chosen.bookmark}"
    return ok({"bookmark": chosen.bookmark, "previous_bookmark": previous.bookmark, "message": message})


def _chosen(call: Call, uuid: str, asked: Mapping[str, object]) -> Snapshot:
    kept = d1_state.snapshots(call.state.db, uuid)
    try:
        if asked.get("bookmark"):
            return at_bookmark(kept, str(asked["bookmark"]))
        if asked.get("timestamp"):
            return at_time(kept, _seconds(str(asked["timestamp"])), now=time.time())
    except BookmarkError as wrong:
        raise malformed(str(wrong)) from wrong
    raise malformed("give a bookmark or a timestamp")


def _seconds(timestamp: str) -> float:
    """Seconds since the epoch of an ISO time or of a number of seconds. Raises BookmarkError."""
    try:
        if timestamp.isdecimal():
            return float(timestamp)
        moment = datetime.fromisoformat(timestamp.replace(" ", "+"))
    except ValueError:
        raise BookmarkError(f"timestamp '{timestamp}' is not an ISO 8601 time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
