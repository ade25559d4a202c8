"""wrangler tail: a Worker's events as they happen, over a WebSocket at the Workers' port."""

from __future__ import annotations

import datetime as dt

from starlette.responses import Response

from cattlegrid.local.api import publish
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.runtime.tails import FILTERS, Tail

TAILS = "/accounts/{account}/workers/scripts/{script}/tails"


@route("GET", TAILS, "the open tails of a Worker", scope="workers:read")
async def list_tails(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    return ok([_shown(call, one) for one in call.runtime.tails.of(script.name)])


@route("POST", TAILS, "tail a Worker: the address of a WebSocket that tells its events", scope="workers:read")
async def start_tail(call: Call) -> Response:
    script, said = publish.existing(call, call.path["script"]), await call.object()
    filters = said.get("filters") or []
    unknown = sorted({name for one in filters for name in one} - FILTERS)
    if unknown:
        raise ApiError(400, 10021, f"filters: there is no {unknown[0]}; there are {', '.join(sorted(FILTERS))}")
    return ok(_shown(call, await call.runtime.tail(script.name, filters)))


@route("DELETE", TAILS + "/{tail}", "end a tail", scope="workers:read")
async def end_tail(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    if call.path["tail"] not in [one.id for one in call.runtime.tails.of(script.name)]:
        raise ApiError(404, 10058, "This tail does not exist.")
    await call.runtime.untail(call.path["tail"])
    return ok(None)


def _shown(call: Call, tail: Tail) -> dict[str, str]:
    expires = dt.datetime.fromtimestamp(tail.expires, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"id": tail.id, "url": f"ws://127.0.0.1:{call.control.router_port}/tails/{tail.id}", "expires_at": expires}
