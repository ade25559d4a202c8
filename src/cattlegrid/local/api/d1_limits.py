"""D1's limits, which Cloudflare sets and a test wants smaller."""

from __future__ import annotations

from dataclasses import asdict, replace

from starlette.responses import Response

from cattlegrid.local.api.d1_desk import Limits, desk
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route


@route("GET", "/local/limits/d1", "D1's limits in force", scope="local:read", local=True)
async def limits(call: Call) -> Response:
    return ok(asdict(desk(call).limits))


@route("PUT", "/local/limits/d1", "set some of D1's limits; {} sets all of them back", scope="local:write", local=True)
async def limit(call: Call) -> Response:
    said, files = await call.object(), desk(call)
    unknown = sorted(set(said) - set(asdict(files.limits)))
    if unknown or not all(isinstance(value, int | float) and value > 0 for value in said.values()):
        known = ", ".join(asdict(files.limits))
        raise ApiError(400, 10005, f"limits are numbers above zero, named {known}; not {', '.join(unknown) or said}")
    files.limits = replace(files.limits, **said) if said else Limits()
    call.runtime.longest_call(files.limits.call_seconds)
    return ok(asdict(files.limits))
