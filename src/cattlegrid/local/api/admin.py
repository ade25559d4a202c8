"""What Cloudflare does not have: faults on demand and the rate limit's counter, for tests and for trying things out."""

from __future__ import annotations

from starlette.responses import Response

from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.faults import read_fault
from cattlegrid.local.limiter import Quota
from cattlegrid.local.routes import Call, route


@route("GET", "/local/status", "whether the local Cloudflare is ready", scope="local:read", local=True)
async def status(call: Call) -> Response:
    return ok({"ready": True, "port": call.control.port, "router_port": call.control.router_port})


@route("POST", "/local/faults", "arm a fault", scope="local:write", local=True)
async def arm(call: Call) -> Response:
    fault = read_fault(await call.object())
    call.control.faults.arm(fault)
    return ok({"id": fault.id})


@route("GET", "/local/faults", "the armed faults and how often each has hit", scope="local:read", local=True)
async def armed(call: Call) -> Response:
    return ok(call.control.faults.shown())


@route("DELETE", "/local/faults", "disarm every fault", scope="local:write", local=True)
async def clear(call: Call) -> Response:
    call.control.faults.clear()
    return ok(None)


@route("DELETE", "/local/faults/{fault}", "disarm one fault", scope="local:write", local=True)
async def disarm(call: Call) -> Response:
    if not call.control.faults.disarm(call.path["fault"]):
        raise ApiError(404, 10005, f"There is no fault {call.path['fault']}")
    return ok(None)


@route(
    "PUT", "/local/rate-limit", "set calls and seconds, for one token id or for all", scope="local:write", local=True
)
async def rate_limit(call: Call) -> Response:
    said = await call.object()
    calls, seconds, token = said.get("calls", 1200), said.get("seconds", 300), said.get("token_id")
    if not isinstance(calls, int) or not isinstance(seconds, int | float) or calls < 0 or seconds <= 0:
        raise ApiError(400, 10005, "calls and seconds: must be numbers above zero")
    call.control.limiter.adjust(Quota(calls, float(seconds)), token)
    return ok({"calls": calls, "seconds": seconds, "token_id": token})
