"""Queues: messages wait in SQLite until their consumer has taken them. Also tells service bindings where to go."""

from __future__ import annotations

import asyncio
import base64
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cattlegrid.local.runtime.version import QueueConsumer

_LARGEST: Final = 128_000
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, queue TEXT NOT NULL, body BLOB NOT NULL, content_type TEXT NOT NULL, sent REAL NOT NULL,
    due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS messages_due ON messages (queue, due);
"""

Deliver = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
Resolve = Callable[[str], Awaitable[Mapping[str, Any]]]
Traced = Callable[[str, str, Sequence[dict[str, Any]]], Awaitable[None]]


class Broker:
    """`deliver(script, event)` hands a batch to the live version; `resolve(script)` says where that one runs;
    `traced(script, version, events)` is told what a tailed Worker did.
    """

    def __init__(self, file: Path, socket: Path, deliver: Deliver, resolve: Resolve, traced: Traced) -> None:
        self._db = sqlite3.connect(file)
        self._db.executescript(_TABLES)
        self._deliver = deliver
        self._resolve = resolve
        self._traced = traced
        self.socket = socket
        self._consumers: Mapping[str, QueueConsumer] = {}
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._arrived: dict[str, asyncio.Event] = {}
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        routes = [
            Route("/message", self._message, methods=["POST"]),
            Route("/batch", self._batch, methods=["POST"]),
            Route("/tail/{script}/{version}", self._tail, methods=["POST"]),
            Route("/{script}", self._where),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), uds=str(self.socket), log_level="warning", access_log=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._serving = asyncio.create_task(self._server._serve())
        while not self._server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        for pump in self._pumps.values():
            pump.cancel()
        await asyncio.gather(*self._pumps.values(), return_exceptions=True)
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            await self._serving
        self._db.close()

    def consume(self, consumers: Mapping[str, QueueConsumer]) -> None:
        """From now on exactly these consumers take messages, by queue name."""
        self._consumers = dict(consumers)
        for queue in consumers:
            if queue not in self._pumps or self._pumps[queue].done():
                self._pumps[queue] = asyncio.create_task(self._pump(queue))
            self._event(queue).set()

    def backlog(self, queue: str) -> int:
        row = self._db.execute("SELECT count(*) FROM messages WHERE queue = ?", (queue,)).fetchone()
        return int(row[0])

    def purge(self, queue: str) -> None:
        with self._db:
            self._db.execute("DELETE FROM messages WHERE queue = ?", (queue,))

    def put(self, queue: str, messages: Sequence[tuple[bytes, str, float]]) -> None:
        """Messages as (body, content type, delay in seconds), all or none."""
        now = time.time()
        rows = [(secrets.token_hex(16), queue, body, kind, now, now + delay) for body, kind, delay in messages]
        with self._db:
            self._db.executemany(
                "INSERT INTO messages (id, queue, body, content_type, sent, due) VALUES (?, ?, ?, ?, ?, ?)", rows
            )
        self._event(queue).set()

    async def _message(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > _LARGEST:
            return PlainTextResponse(f"message length of {len(body)} bytes exceeds limit of {_LARGEST}", 413)
        delay = float(request.headers.get("x-msg-delay-secs") or request.headers.get("mf-queue-delay") or 0)
        self.put(request.headers["mf-queue-name"], [(body, request.headers.get("x-msg-fmt", "v8"), delay)])
        return JSONResponse(self._accepted(request))

    async def _batch(self, request: Request) -> Response:
        default = float(request.headers.get("x-msg-delay-secs") or request.headers.get("mf-queue-delay") or 0)
        messages = [
            (base64.b64decode(one["body"]), one.get("contentType") or "v8", float(one.get("delaySecs", default)))
            for one in (await request.json())["messages"]
        ]
        if any(len(body) > _LARGEST for body, _, _ in messages):
            return PlainTextResponse(f"a message of the batch exceeds the limit of {_LARGEST} bytes", 413)
        self.put(request.headers["mf-queue-name"], messages)
        return JSONResponse(self._accepted(request))

    def _accepted(self, request: Request) -> dict[str, Any]:
        count = self.backlog(request.headers["mf-queue-name"])
        metrics = {"backlogCount": count, "backlogBytes": 0, "oldestMessageTimestamp": 0}
        return {"metadata": {"metrics": metrics}}

    async def _where(self, request: Request) -> Response:
        try:
            return JSONResponse(await self._resolve(request.path_params["script"]))
        except LookupError as missing:
            return PlainTextResponse(str(missing), 404)

    async def _tail(self, request: Request) -> Response:
        await self._traced(request.path_params["script"], request.path_params["version"], await request.json())
        return PlainTextResponse("told")

    def _event(self, queue: str) -> asyncio.Event:
        return self._arrived.setdefault(queue, asyncio.Event())

    async def _pump(self, queue: str) -> None:
        while (consumer := self._consumers.get(queue)) is not None:
            batch = self._due(queue, consumer.max_batch_size)
            if not batch or (len(batch) < consumer.max_batch_size and not self._waited(batch, consumer)):
                await self._until(queue, self._next(queue, consumer))
                continue
            await self._hand_over(queue, consumer, batch)

    def _due(self, queue: str, most: int) -> list[tuple[Any, ...]]:
        sql = "SELECT id, body, content_type, sent, attempts, due FROM messages WHERE queue = ? AND due <= ?"
        return self._db.execute(f"{sql} ORDER BY due, rowid LIMIT ?", (queue, time.time(), most)).fetchall()

    def _waited(self, batch: Sequence[tuple[Any, ...]], consumer: QueueConsumer) -> bool:
        return bool(time.time() - batch[0][5] >= consumer.max_wait)

    def _next(self, queue: str, consumer: QueueConsumer) -> float | None:
        """Seconds until the oldest message has waited long enough; None when there is none."""
        row = self._db.execute("SELECT min(due) FROM messages WHERE queue = ?", (queue,)).fetchone()
        return None if row[0] is None else max(0.0, row[0] + consumer.max_wait - time.time())

    async def _until(self, queue: str, seconds: float | None) -> None:
        event = self._event(queue)
        event.clear()
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return

    async def _hand_over(self, queue: str, consumer: QueueConsumer, batch: Sequence[tuple[Any, ...]]) -> None:
        messages = [
            {
                "id": row[0],
                "body": base64.b64encode(row[1]).decode(),
                "contentType": row[2],
                "timestamp": row[3] * 1000,
                "attempts": row[4] + 1,
            }
            for row in batch
        ]
        result = await self._deliver(consumer.script, {"queue": queue, "messages": messages})
        self._settle(consumer, batch, result)

    def _settle(self, consumer: QueueConsumer, batch: Sequence[tuple[Any, ...]], result: Mapping[str, Any]) -> None:
        retried = {one["msgId"]: one.get("delaySeconds") for one in result.get("retryMessages") or ()}
        acked = set(result.get("explicitAcks") or ())
        whole = result.get("retryBatch") or {}
        all_again = result.get("outcome") != "ok" or bool(whole.get("retry"))
        with self._db:
            for row in batch:
                again = row[0] in retried or (all_again and row[0] not in acked and not result.get("ackAll"))
                if not again:
                    self._db.execute("DELETE FROM messages WHERE id = ?", (row[0],))
                    continue
                delay = retried.get(row[0]) or whole.get("delaySeconds") or consumer.retry_delay
                self._again(consumer, row, float(delay))

    def _again(self, consumer: QueueConsumer, row: tuple[Any, ...], delay: float) -> None:
        if row[4] < consumer.max_retries:
            self._db.execute(
                "UPDATE messages SET attempts = attempts + 1, due = ? WHERE id = ?", (time.time() + delay, row[0])
            )
        elif consumer.dead_letter_queue:
            self._db.execute(
                "UPDATE messages SET queue = ?, attempts = 0, due = ? WHERE id = ?",
                (consumer.dead_letter_queue, time.time(), row[0]),
            )
            self._event(consumer.dead_letter_queue).set()
        else:
            self._db.execute("DELETE FROM messages WHERE id = ?", (row[0],))
