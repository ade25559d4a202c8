"""One worker's MCP server: proven, connected once, and kept; what it offers, and calls to it.

Results are relayed as they came: a relay does not police its upstreams' schemas.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx2
from mcp.client.session import ClientRequestContext, ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import CallOptions, ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
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
    Implementation,
    ResourceUpdatedNotification,
    ServerNotification,
)
from pydantic import ValidationError

from cattlegrid import __version__
from cattlegrid.gateway.proof import Down, Mismatch, Proof, prove, refused
from cattlegrid.gateway.questions import Answer, Put, Question, of_worker, of_worker_instead
from cattlegrid.gateway.way import Way
from cattlegrid.model.fleet import WorkerSettings

PATIENCE: Final = 300.0
_CONNECT: Final = 15.0
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
_REFUSED: Final = -886350401
"""Ours, between the transport and here: no code of the protocol, and none that a worker would think of."""
_LOST: Final = frozenset({CONNECTION_CLOSED, -32600})
_CUT: Final = ("http", "transport", "server returned an error response")

_PUT: Final[ContextVar[Put | None]] = ContextVar("put", default=None)
"""The client of the call in whose answer a worker's question came: the library keeps a request's context for it."""

Item = dict[str, Any]
Changed = Callable[[str, str], Awaitable[None]]
"""Told the kind of list that changed, and the resource if it is one of that list that did."""


@dataclass
class Link:
    """One open connection. `broken` is set by whoever finds it dead."""

    dispatcher: JSONRPCDispatcher[Any]
    headers: dict[str, str]
    proof: Proof
    instructions: str
    broken: anyio.Event = field(default_factory=anyio.Event)


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
            if error.code != _REFUSED:
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
            await self.request("resources/subscribe", {"uri": uri}, within=_CONNECT)
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
            page = await self._ask(link, _METHODS[kind], {"cursor": cursor} if cursor else {}, None, _CONNECT)
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
            with anyio.fail_after(_CONNECT):
                proof = await anyio.to_thread.run_sync(prove, self._way, self.worker, abandon_on_cancel=True)
            async with self._connected(proof) as link:
                new = await self._refresh(link)
                for uri in self._watched:
                    with suppress(MCPError):
                        await self._ask(link, "resources/subscribe", {"uri": uri}, None, _CONNECT)
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

    @asynccontextmanager
    async def _connected(self, proof: Proof) -> AsyncIterator[Link]:
        headers, timeout = dict(proof.key), httpx2.Timeout(30.0, read=PATIENCE)
        name = Implementation(name="cattlegrid", version=__version__)
        url = proof.address + str(self.worker.mcp)
        async with (
            httpx2.AsyncClient(
                transport=_Kept(self._http), headers=headers, timeout=timeout, trust_env=False
            ) as client,
            streamable_http_client(url, http_client=client) as (read, write),
        ):
            dispatcher: JSONRPCDispatcher[Any] = JSONRPCDispatcher(read, write)
            async with ClientSession(
                dispatcher=dispatcher,
                client_info=name,
                message_handler=self._heard,
                elicitation_callback=self._elicited,
                sampling_callback=self._sampled,
            ) as session:
                with anyio.fail_after(_CONNECT):
                    hello = await session.initialize()
                version = {"mcp-protocol-version": hello.protocol_version}
                yield Link(dispatcher, version, proof, hello.instructions or "")

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


class _Kept(httpx2.AsyncBaseTransport):
    """The process's one transport, which outlives every client that borrows it.

    A refusal becomes an error with a code of its own, which the library hands to the very call that was refused.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.status_code != 401:
            return response
        await response.aclose()
        error = {"code": _REFUSED, "message": "401"}
        return httpx2.Response(401, json={"jsonrpc": "2.0", "id": None, "error": error})


def _usable(item: object, kind: str) -> bool:
    key = {"tools": "name", "prompts": "name", "resources": "uri", "templates": "uriTemplate"}[kind]
    return isinstance(item, dict) and isinstance(item.get(key), str)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _said(error: BaseException, worker: str) -> str:
    if isinstance(error, TimeoutError):
        return f"{worker} did not answer within {_CONNECT:.0f} s"
    if isinstance(error, ValidationError):
        return f"{worker} does not speak MCP: its answer to initialize cannot be read"
    return str(error) or type(error).__name__


logging.getLogger("mcp.client.streamable_http").setLevel(logging.CRITICAL)
