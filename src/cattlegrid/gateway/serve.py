"""Serving: a session's gateway behind its sockets, one on stdio, or one on loopback HTTP with a token."""

from __future__ import annotations

import hmac
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio
import uvicorn
from anyio.abc import ByteStream, SocketListener
from mcp.server.stdio import stdio_server
from starlette.types import ASGIApp, Receive, Scope, Send

from cattlegrid.agents import calls
from cattlegrid.gateway import control, wire
from cattlegrid.gateway.http import Pool
from cattlegrid.gateway.hub import Hub
from cattlegrid.gateway.server import build, options
from cattlegrid.gateway.way import Way
from cattlegrid.model.secret import Secret

_PATH: Final = "/mcp"


@asynccontextmanager
async def hub_of(way: Way) -> AsyncIterator[Hub]:
    """The hub, its workers' connections running; all closed at the end."""
    pool = Pool()
    log = calls.Log(calls.place(way.edge.environ, way.session.fleet))
    hub = Hub(way, log, pool)
    async with anyio.create_task_group() as group:
        group.start_soon(hub.run)
        try:
            yield hub
        finally:
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await pool.aclose()
                way.client.close()


async def on_stdio(way: Way) -> None:
    """Until standard input ends."""
    async with hub_of(way) as hub, stdio_server() as (read, write):
        server = build(hub, may_ask=True)
        await server.run(read, write, options(server))


async def on_http(way: Way, port: int, token: Secret, ready: Callable[[str], None]) -> None:
    """On loopback only; every request carries the token. `ready` gets the URL."""
    listening = socket.create_server(("127.0.0.1", port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does not, as its protocol is not named
    url = f"http://127.0.0.1:{listening.getsockname()[1]}{_PATH}"
    async with hub_of(way) as hub:
        server = build(hub, may_ask=False)
        app = _guarded(server.streamable_http_app(streamable_http_path=_PATH), token)
        config = uvicorn.Config(app, log_level="error", lifespan="on", ws="none", timeout_graceful_shutdown=1)
        ready(url)
        await uvicorn.Server(config).serve(sockets=[listening])


async def in_session(way: Way, agent: int, sockets: list[socket.socket]) -> None:
    """Behind the session's two listening sockets, until the agent's process ends."""
    first = True

    async def connection(stream: ByteStream) -> None:
        nonlocal first
        may_ask, first = first, False
        server = build(hub, may_ask=may_ask)
        async with stream, wire.lines(stream) as (read, write):
            await server.run(read, write, options(server))

    async with hub_of(way) as hub:
        gateway, commands = [await SocketListener.from_socket(one) for one in sockets]
        async with anyio.create_task_group() as group, gateway, commands:
            group.start_soon(gateway.serve, _quiet(connection))
            group.start_soon(commands.serve, _quiet(lambda stream: control.answer(stream, hub, agent)))
            await _end_of(agent)
            group.cancel_scope.cancel()


def _quiet(serve: Callable[[ByteStream], Awaitable[None]]) -> Callable[[ByteStream], Awaitable[None]]:
    """A connection that breaks off costs itself only."""

    async def one(stream: ByteStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            await serve(stream)

    return one


async def _end_of(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(handle)
    finally:
        os.close(handle)


def _guarded(app: ASGIApp, token: Secret) -> ASGIApp:
    wanted = f"Bearer {token.reveal()}".encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(sent, wanted):
                await send(
                    {"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]}
                )
                await send({"type": "http.response.body", "body": b"the session's token is needed\n"})
                return
        await app(scope, receive, send)

    return guarded
