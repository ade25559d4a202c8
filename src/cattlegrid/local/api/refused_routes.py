"""What wrangler may ask for and the local Cloudflare refuses by name."""

from __future__ import annotations

from starlette.responses import Response

from cattlegrid.local.envelope import ApiError
from cattlegrid.local.routes import Call, route


@route("POST", "/accounts/{account}/workers/dispatch/namespaces", "refused: dispatch", scope="workers:write")
@route("GET", "/accounts/{account}/workers/dispatch/namespaces", "refused: dispatch", scope="workers:read")
async def dispatch(_call: Call) -> Response:
    raise ApiError(501, 7000, "Workers for Platforms (dispatch namespaces) is not served by the local Cloudflare")


@route("GET", "/accounts/{account}/workflows", "refused: workflows", scope="workers:read")
@route("PUT", "/accounts/{account}/workflows/{workflow}", "refused: workflows", scope="workers:write")
async def workflows(_call: Call) -> Response:
    raise ApiError(501, 7000, "Workflows are not served by the local Cloudflare")
