"""Steady requests to one address of this machine, every answer counted. Loopback only; bounded in number and time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MOST_REQUESTS = 60_000
MOST_SECONDS = 120.0


@dataclass
class Load:
    """`lost` says for each lost request when it was sent (seconds from the start) and what came instead of an answer.

    `answers` counts the answers by their body.
    """

    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        return len(self.seconds) + len(self.lost)


@contextmanager
def steady(url: str, *, clients: int, per_second: float) -> Iterator[Load]:
    """Requests from `clients` connections, together `per_second`, while the block runs.

    Every other client opens a connection for each request, the rest keep theirs. Nobody repeats a request: one that
    is not answered with 200 is lost.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host not in ("127.0.0.1", "localhost") and not host.endswith(".localhost"):
        raise ValueError(f"{url} is not an address of this machine")
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    load, stop = Load(), threading.Event()
    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(asyncio.run, _all(parts.port or 80, request, clients, clients / per_second, load, stop))
        try:
            yield load
        finally:
            stop.set()
            asking.result()


async def _all(port: int, request: str, clients: int, pause: float, load: Load, stop: threading.Event) -> None:
    started = time.perf_counter()
    await asyncio.gather(
        *(
            _client(port, request, keep=bool(number % 2), pause=pause, load=load, started=started, stop=stop)
            for number in range(clients)
        )
    )


async def _client(
    port: int, request: str, *, keep: bool, pause: float, load: Load, started: float, stop: threading.Event
) -> None:
    link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    text = (request + ("\r\n" if keep else "Connection: close\r\n\r\n")).encode()
    while not stop.is_set() and time.perf_counter() - started < MOST_SECONDS and load.sent < MOST_REQUESTS:
        sent = time.perf_counter()
        try:
            async with asyncio.timeout(10):
                link = link or await asyncio.open_connection("127.0.0.1", port)
                link[1].write(text)
                body, closing = await _answer(link[0])
            load.seconds.append(time.perf_counter() - sent)
            load.answers[body] = load.answers.get(body, 0) + 1
        except (OSError, EOFError, ValueError) as error:
            load.lost.append(f"at {sent - started:.2f} s: {type(error).__name__} {error}".strip())
            closing = True
        if link is not None and (closing or not keep):
            link[1].close()
            link = None
        await asyncio.sleep(max(0.0, pause - (time.perf_counter() - sent)))
    if link is not None:
        link[1].close()


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """The body, and whether the server closes the connection after it. Raises ValueError for any status but 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    if "content-length" in fields:
        raw = await reader.readexactly(int(fields["content-length"]))
    else:
        raw = b"".join([chunk async for chunk in _chunks(reader)])
    status = head[0].split(" ")[1]
    if status != "200":
        raise ValueError(f"status {status}: {raw[:80]!r}")
    return raw.decode("utf-8", "replace"), fields.get("connection") == "close"


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
