"""The registry of what is served. Handlers hang themselves on it; `docs/local.md` is generated from it."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import orjson
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from cattlegrid.local.envelope import ApiError

if TYPE_CHECKING:
    from cattlegrid.local.control import Control
    from cattlegrid.local.faults import Fault
    from cattlegrid.local.runtime import Runtime
    from cattlegrid.local.state import State
    from cattlegrid.local.tokens import Token

Handler = Callable[["Call"], Awaitable[Response]]
Access = Literal["token", "signed"]


@dataclass(frozen=True)
class Call:
    """One authenticated request. `path` holds the decoded parts of the route; `account` is "" outside accounts."""

    request: Request
    path: Mapping[str, str]
    control: Control
    token: Token
    faults: tuple[Fault, ...] = ()

    @property
    def account(self) -> str:
        return self.path.get("account", "")

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def state(self) -> State:
        return self.control.state

    @property
    def runtime(self) -> Runtime:
        return self.control.runtime

    @property
    def base_url(self) -> str:
        """This API's own address, for signed upload and download URLs: `http://127.0.0.1:PORT/client/v4`."""
        return self.control.base_url

    async def body(self) -> bytes:
        return await self.request.body()

    async def json(self) -> Any:
        """The body as JSON whatever its content type says: wrangler sends JSON as text/plain. Raises ApiError 400."""
        raw = await self.request.body()
        if not raw:
            return None
        try:
            return orjson.loads(raw)
        except ValueError as broken:
            raise ApiError(400, 10006, f"Could not parse the request body as JSON: {broken}") from None

    async def object(self) -> dict[str, Any]:
        """The body as a JSON object, empty when there is no body. Raises ApiError 400."""
        said = await self.json()
        if said is None:
            return {}
        if not isinstance(said, dict):
            raise ApiError(400, 10006, "The request body must be a JSON object")
        return said

    async def form(self) -> FormData:
        return await self.request.form(max_files=5000, max_fields=5000, max_part_size=128 * 1024 * 1024)


@dataclass(frozen=True)
class Route:
    """`scope` is "<area>:read" or "<area>:write"; `access` "signed" routes are reached by an unguessable URL or JWT."""

    method: str
    path: str
    summary: str
    scope: str
    access: Access
    local: bool
    handler: Handler = field(compare=False)

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        text = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        return re.compile(re.sub(r"\\{(\w+):path\\}", r"(?P<\1>.+)", text))


_ROUTES: list[Route] = []


def route(
    method: str, path: str, summary: str, *, scope: str, access: Access = "token", local: bool = False
) -> Callable[[Handler], Handler]:
    """Serves `path`, relative to /client/v4; `{name}` is one segment, `{name:path}` the rest.

    `local` routes are not Cloudflare's.
    """

    def hang(handler: Handler) -> Handler:
        _ROUTES.append(Route(method, path, summary, scope, access, local, handler))
        return handler

    return hang


def served() -> tuple[Route, ...]:
    return tuple(sorted(_ROUTES, key=lambda one: (one.path, one.method)))


def match(method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for a path that is still percent-encoded; fixed words win over parameters."""
    found = [
        (one, hit) for one in _ROUTES if one.method == method and (hit := one.pattern.fullmatch(raw_path)) is not None
    ]
    if not found:
        return None
    one, hit = min(found, key=lambda pair: _looseness(pair[0].path))
    return one, {name: unquote(value) for name, value in hit.groupdict().items()}


def _looseness(path: str) -> tuple[int, ...]:
    return tuple(2 if ":path}" in part else 1 if part.startswith("{") else 0 for part in path.split("/"))
