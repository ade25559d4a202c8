"""The server's open connections, so that a fault can cut one without answering."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class Connection(H11Protocol):
    """uvicorn's own protocol that also remembers which transport belongs to which peer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client:
            _OPEN.pop(self.client, None)
        super().connection_lost(exc)


async def cut(scope: Scope, receive: Receive) -> None:
    """Resets the connection of this request; its client sees no answer."""
    host, port = scope["client"]
    if transport := _OPEN.pop((host, port), None):
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
