"""The process's one way to the workers: one connection pool, and the TLS context that the API's client has too."""

from __future__ import annotations

from typing import Final

import httpx2

from cattlegrid.cloudflare.http import secure

_LOCAL: Final = ".localhost"


class Pool(httpx2.AsyncBaseTransport):
    """Resolves `*.localhost` itself, and reads certificates once, when https is first spoken."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=256, max_keepalive_connections=64, keepalive_expiry=60)
        self._limits = limits
        self._plain = httpx2.AsyncHTTPTransport(verify=False, limits=limits)
        self._secure: httpx2.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host.endswith(_LOCAL):
            request.url = request.url.copy_with(host="127.0.0.1")
        if request.url.scheme == "http":
            return await self._plain.handle_async_request(request)
        if self._secure is None:
            self._secure = httpx2.AsyncHTTPTransport(verify=secure(), limits=self._limits)
        return await self._secure.handle_async_request(request)

    async def aclose(self) -> None:
        await self._plain.aclose()
        if self._secure is not None:
            await self._secure.aclose()
