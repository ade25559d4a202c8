"""One open connection to a worker's MCP server."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx2
from mcp.client.session import ClientSession, ElicitationFnT, MessageHandlerFnT, SamplingFnT
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types import Implementation

from cattlegrid import __version__
from cattlegrid.gateway.proof import Proof

PATIENCE: Final = 300.0
CONNECT: Final = 15.0
REFUSED: Final = -886350401
"""Ours, between the transport and who asked: no code of the protocol, and none that a worker would think of."""


@dataclass
class Link:
    """One open connection. `broken` is set by whoever finds it dead."""

    dispatcher: JSONRPCDispatcher[Any]
    headers: dict[str, str]
    proof: Proof
    instructions: str
    broken: anyio.Event = field(default_factory=anyio.Event)


@dataclass(frozen=True)
class WayIn:
    """Where to connect: `path` of the proven worker's address, over the process's one transport; and who hears what the
    worker says by itself.
    """

    proof: Proof
    path: str
    http: httpx2.AsyncBaseTransport
    heard: MessageHandlerFnT
    elicited: ElicitationFnT
    sampled: SamplingFnT


@asynccontextmanager
async def opened(way_in: WayIn) -> AsyncIterator[Link]:
    proof = way_in.proof
    name = Implementation(name="cattlegrid", version=__version__)
    async with (
        httpx2.AsyncClient(
            transport=_Kept(way_in.http),
            headers=dict(proof.key),
            timeout=httpx2.Timeout(30.0, read=PATIENCE),
            trust_env=False,
        ) as client,
        streamable_http_client(proof.address + way_in.path, http_client=client) as (read, write),
    ):
        dispatcher: JSONRPCDispatcher[Any] = JSONRPCDispatcher(read, write)
        async with ClientSession(
            dispatcher=dispatcher,
            client_info=name,
            message_handler=way_in.heard,
            elicitation_callback=way_in.elicited,
            sampling_callback=way_in.sampled,
        ) as session:
            with anyio.fail_after(CONNECT):
                hello = await session.initialize()
            version = {"mcp-protocol-version": hello.protocol_version}
            yield Link(dispatcher, version, proof, hello.instructions or "")


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
        error = {"code": REFUSED, "message": "401"}
        return httpx2.Response(401, json={"jsonrpc": "2.0", "id": None, "error": error})


logging.getLogger("mcp.client.streamable_http").setLevel(logging.CRITICAL)
