"""The control plane's process: opens the state, starts the runtime, serves until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from cattlegrid.local import api, compute, tokens
from cattlegrid.local.connections import Connection
from cattlegrid.local.control import Control
from cattlegrid.local.layout import Layout
from cattlegrid.local.runtime import Runtime
from cattlegrid.local.server import App
from cattlegrid.local.state import State, open_state


@dataclass(frozen=True)
class Options:
    """`idle_seconds` without a request end a Worker's process."""

    state: Path
    node: Path
    modules: Path
    port: int
    router_port: int
    idle_seconds: float = 300.0


async def serve(options: Options) -> None:
    """Returns after SIGTERM or SIGINT. Raises OSError when the port is taken, BlockingIOError when the state is."""
    layout = Layout(options.state)
    layout.create()
    with layout.held(), _listening(options.port) as listener, contextlib.closing(prepare(layout)) as state:
        runtime = Runtime(
            state=options.state,
            node=options.node,
            modules=options.modules,
            router_port=options.router_port,
            idle_seconds=options.idle_seconds,
            resolve=lambda version_id: compute.stored_version(state, version_id),
        )
        control = Control(state, runtime, options.port, options.router_port)
        await runtime.start()
        try:
            await compute.restore(control)
            server = _Server(App(control), layout, control)
            await server.serve(sockets=[listener])
        finally:
            for task in list(control.later):
                task.cancel()
            await asyncio.gather(*control.later, return_exceptions=True)
            await runtime.stop()


def prepare(layout: Layout) -> State:
    """The state with its account and main token, both made the first time; the token's value is in a 0600 file."""
    api.load()
    state = open_state(layout.folder)
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    account = tokens.Account(secrets.token_hex(16), "Local Cloudflare", "local", "you@localhost", now)
    tokens.create_account(state.db, account)
    if not layout.token.exists() or not layout.token.read_text():
        layout.token.touch(mode=0o600)
        layout.token.write_text(secrets.token_urlsafe(30))
    tokens.adopt(state.db, layout.token.read_text().strip(), "main", tokens.EVERYTHING)
    return state


def _listening(port: int) -> socket.socket:
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY); without, each one waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """Says where it is as soon as it answers."""

    def __init__(self, app: App, layout: Layout, control: Control) -> None:
        self._layout = layout
        self._control = control
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                access_log=False,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        account = tokens.account(self._control.state.db).id
        self._layout.announce(self._control.port, self._control.router_port, account)
