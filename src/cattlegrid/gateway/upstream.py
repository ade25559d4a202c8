"""One worker's MCP server: proven, connected once, and kept; what it offers, and calls to it.

Results are relayed as they came: a relay does not police its upstreams' schemas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final

import anyio
import httpx2
from mcp.client.session import ClientRequestContext
from mcp.shared.dispatcher import CallOptions, ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_REQUEST,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    ResourceUpdatedNotification,
    ServerNotification,
)
from pydantic import ValidationError

from cattlegrid.gateway.connection import CONNECT, PATIENCE, REFUSED, Link, WayIn, opened
from cattlegrid.gateway.proof import Down, Mismatch, Proof, prove, refused
from cattlegrid.gateway.questions import Answer, Put, Question, of_worker, of_worker_instead
from cattlegrid.gateway.way import Way
from cattlegrid.model.fleet import WorkerSettings

_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_PAGES: Final = 50
_LISTS: Final = {"tools": "tools", "prompts": "prompts", "resources": "resources", "templates": "resourceTemplates"}
_METHODS: Final = {
    "tools": "tools/list",
    "prompts": "prompts/list",
    "resources": "resources/list",
    "templates": "resources/templates/list",
}
_LOST: Final = frozenset({CONNECTION_CLOSED, -32600})
_CUT: Final = ("http", "transport", "server returned an error response")

_PUT: Final[ContextVar[Put | None]] = ContextVar("put", default=None)
"""The client of the call in whose answer a worker's question came: the library keeps a request's context for it."""

Item = dict[str, Any]
Changed = Callable[[str, str], Awaitable[None]]
"""Told the kind of list that changed, and the resource if it is one of that list that did."""


class Upstream:
    """`run` keeps the connection in a task of its own; `request` waits for it. Never caches a broken one."""

    def __init__(self, way: Way, worker: WorkerSettings, http: httpx2.AsyncBaseTransport, changed: Changed) -> None:
        self.worker = worker
        self.offers: dict[str, tuple[Item, ...]] = dict.fromkeys(_LISTS, ())
        self.trouble = ""
        self.mismatch = ""
        self._way = way
        self._http = http
        self._changed = changed
        self._link: Link | None = None
        self._calls: list[Put] = []
        self._watched: Counter[str] = Counter()
        self._wanted = anyio.Event()
        self._settled = anyio.Event()

    async def run(self) -> None:
        """Connects when somebody asks. Who could not be reached is tried again, ever more seldom, until it is there."""
        await self._wanted.wait()
        pause = _PAUSE
        while True:
            await self._once()
            if self.trouble or self.mismatch:
                await anyio.sleep(_PAUSE)
                with anyio.move_on_after(pause):
                    await self._wanted.wait()
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                await self._wanted.wait()
                pause = _PAUSE

    async def link(self) -> Link:
        """The open connection; opened, and proven, if there is none. Raises Down, Mismatch."""
        if self._link is None or self._link.broken.is_set():
            settled = self._settled
            self._wanted.set()
            await settled.wait()
        if self.mismatch:
            raise Mismatch(self.mismatch)
        if self._link is None or self._link.broken.is_set():
            raise Down(self.trouble or f"{self.worker.name} cannot be reached")
        return self._link

    async def request(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        progress: ProgressFnT | None = None,
        within: float = PATIENCE,
    ) -> dict[str, Any]:
        """The worker's answer as it came. Raises Down, Mismatch, MCPError with the worker's own error.

        A call that was refused for its key did nothing. It is repeated once, when the store has another key by now.
        """
        link = await self.link()
        try:
            return await self._ask(link, method, params, progress, within)
        except MCPError as error:
            if error.code != REFUSED:
                raise
            link.broken.set()
            again = await self.link()
            if again.proof.key == link.proof.key:
                raise refused(self._way, self.worker, 401) from error
        return await self._ask(again, method, params, progress, within)

    async def call(self, params: Mapping[str, Any], put: Put, progress: ProgressFnT | None) -> dict[str, Any]:
        """A tool call, in the middle of which the worker may ask its client. Raises what `request` raises."""
        token = _PUT.set(put)
        self._calls.append(put)
        try:
            return await self.request("tools/call", params, progress=progress)
        except MCPError as error:
            raise of_worker_instead(error, self._way.session.environment, self.worker.name) from error
        finally:
            self._calls.remove(put)
            _PUT.reset(token)

    def watches(self, uri: str) -> bool:
        return uri in self._watched

    async def watch(self, uri: str) -> None:
        """Raises what `request` raises; then nothing is watched."""
        if not self.watches(uri):
            await self.request("resources/subscribe", {"uri": uri}, within=CONNECT)
        self._watched[uri] += 1

    async def unwatch(self, uri: str) -> None:
        self._watched[uri] -= 1
        if self._watched[uri] == 0:
            del self._watched[uri]
            if self._link is not None:
                with anyio.move_on_after(_PAUSE, shield=True), suppress(Down, Mismatch, MCPError):
                    await self.request("resources/unsubscribe", {"uri": uri})

    async def _question(self, question: Question) -> Answer | ErrorData:
        """A worker that asks outside of every answer is heard when only one call of its is open."""
        put = _PUT.get() or (self._calls[0] if len(self._calls) == 1 else None)
        if put is None:
            return ErrorData(code=INVALID_REQUEST, message="a question belongs to a tool call, and this one to none")
        try:
            return await put(of_worker(question, self._way.session.environment, self.worker.name))
        except MCPError as error:
            return error.error

    async def _elicited(
        self,
        context: ClientRequestContext,  # noqa: ARG002 - the library's own shape
        params: ElicitRequestParams,
    ) -> ElicitResult | ErrorData:
        answer = await self._question(ElicitRequest(params=params))
        assert not isinstance(answer, CreateMessageResult)  # noqa: S101 - questions.put knows its kind
        return answer

    async def _sampled(
        self,
        context: ClientRequestContext,  # noqa: ARG002 - as above
        params: CreateMessageRequestParams,
    ) -> CreateMessageResult | ErrorData:
        answer = await self._question(CreateMessageRequest(params=params))
        assert not isinstance(answer, ElicitResult)  # noqa: S101 - as above
        return answer

    async def _ask(
        self, link: Link, method: str, params: Mapping[str, Any], progress: ProgressFnT | None, within: float
    ) -> dict[str, Any]:
        options: CallOptions = {"headers": dict(link.headers), "timeout": within}
        if progress is not None:
            options["on_progress"] = progress
        try:
            return await link.dispatcher.send_raw_request(method, params, options)
        except MCPError as error:
            if error.code in _LOST or any(words in error.message.lower() for words in _CUT):
                link.broken.set()
                done = "; whether it did what was asked is not known" if method == "tools/call" else ""
                raise Down(f"{self.worker.name} did not answer: {error.message}{done}") from error
            raise

    def forget(self) -> None:
        """The next call connects, and proves, anew."""
        if self._link is not None:
            self._link.broken.set()

    async def _refresh(self, link: Link, kinds: tuple[str, ...] = tuple(_LISTS)) -> set[str]:
        """Read what the worker offers, and return what of it is new. A kind that it does not know it has none of."""
        before = dict(self.offers)
        for kind in kinds:
            try:
                self.offers[kind] = tuple(await self._list(link, kind))
            except MCPError:
                self.offers[kind] = ()
        new = {kind for kind in kinds if self.offers[kind] != before[kind]}
        return {"resources" if kind == "templates" else kind for kind in new}

    async def _tell(self, kinds: set[str]) -> None:
        for kind in sorted(kinds):
            await self._changed(kind, "")

    async def _list(self, link: Link, kind: str) -> list[Item]:
        found: list[Item] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self._ask(link, _METHODS[kind], {"cursor": cursor} if cursor else {}, None, CONNECT)
            items = page.get(_LISTS[kind])
            found += [item for item in items if _usable(item, kind)] if isinstance(items, list) else []
            cursor = page.get("nextCursor")
            if not cursor:
                break
        return found

    async def _once(self) -> None:
        self._wanted = anyio.Event()
        connected = False
        try:
            with anyio.fail_after(CONNECT):
                proof = await anyio.to_thread.run_sync(prove, self._way, self.worker, abandon_on_cancel=True)
            async with opened(self._way_in(proof)) as link:
                new = await self._refresh(link)
                for uri in self._watched:
                    with suppress(MCPError):
                        await self._ask(link, "resources/subscribe", {"uri": uri}, None, CONNECT)
                self._link = link
                self.trouble = self.mismatch = ""
                connected = True
                self._settle()
                await self._tell(new)
                await link.broken.wait()
        except Mismatch as error:
            self.mismatch = str(error)
        except (Down, TimeoutError, MCPError, ValidationError, RuntimeError, httpx2.HTTPError, OSError) as error:
            self.trouble, self.mismatch = _said(error, self.worker.name), ""
        except ExceptionGroup as group:
            self.trouble, self.mismatch = _said(_first(group), self.worker.name), ""
        finally:
            self._link = None
            if not connected:
                self._settle()

    def _settle(self) -> None:
        """Those who wait for this attempt go on; who comes later, when the connection is lost, waits for the next."""
        self._settled.set()
        self._settled = anyio.Event()

    def _way_in(self, proof: Proof) -> WayIn:
        return WayIn(proof, str(self.worker.mcp), self._http, self._heard, self._elicited, self._sampled)

    async def _heard(self, message: object) -> None:
        if isinstance(message, Exception) or not isinstance(message, ServerNotification):
            return
        if isinstance(message, ResourceUpdatedNotification):
            await self._changed("resources", str(message.params.uri))
            return
        kind = message.method.removeprefix("notifications/").removesuffix("/list_changed")
        if kind in {"tools", "prompts", "resources"} and self._link is not None:
            kinds = ("resources", "templates") if kind == "resources" else (kind,)
            await self._tell(await self._refresh(self._link, kinds))


def _usable(item: object, kind: str) -> bool:
    key = {"tools": "name", "prompts": "name", "resources": "uri", "templates": "uriTemplate"}[kind]
    return isinstance(item, dict) and isinstance(item.get(key), str)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _said(error: BaseException, worker: str) -> str:
    if isinstance(error, TimeoutError):
        return f"{worker} did not answer within {CONNECT:.0f} s"
    if isinstance(error, ValidationError):
        return f"{worker} does not speak MCP: its answer to initialize cannot be read"
    return str(error) or type(error).__name__
