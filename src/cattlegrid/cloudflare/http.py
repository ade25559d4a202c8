"""The one HTTP client of a run: for Cloudflare's API and for the Workers themselves."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Final

import httpx2

_TIMEOUT: Final = httpx2.Timeout(60.0, connect=10.0, pool=None)
_LOCAL: Final = ".localhost"


@cache
def secure() -> ssl.SSLContext:
    """The process's one TLS context: reading the system's certificates costs 40 to 100 ms."""
    return httpx2.create_ssl_context()


def open_http() -> httpx2.Client:
    """A client without credentials of its own, safe to share between threads. Close it, or use it in a `with`."""
    return httpx2.Client(transport=_Transport(), timeout=_TIMEOUT, trust_env=False)


class _Transport(httpx2.BaseTransport):
    """Resolves `*.localhost` itself (RFC 6761; glibc does not) and reads certificates only when https is spoken."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=30)
        self._limits = limits
        self._plain = httpx2.HTTPTransport(verify=False, limits=limits)
        self._secure: httpx2.HTTPTransport | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host.endswith(_LOCAL):
            request.url = request.url.copy_with(host="127.0.0.1")
        if request.url.scheme == "http":
            return self._plain.handle_request(request)
        if self._secure is None:
            self._secure = httpx2.HTTPTransport(verify=secure(), limits=self._limits)
        return self._secure.handle_request(request)

    def close(self) -> None:
        self._plain.close()
        if self._secure is not None:
            self._secure.close()
