"""Every call that reaches a database goes over this desk: limits, the snapshot before a write, and who must wait."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import httpx2
import orjson

from cattlegrid.local.api import d1_snapshots
from cattlegrid.local.envelope import ApiError
from cattlegrid.local.routes import Call
from cattlegrid.local.runtime import Runtime, SqlError
from cattlegrid.local.sql.limits import (
    ROW_CHECK_MARK,
    VALUE_BYTES,
    VALUE_TOO_BIG,
    Statement,
    oversized,
    refusal,
    row_check,
    unquoted,
    written_to,
)
from cattlegrid.local.state import NO_ROOM, State

SQL_ERROR = 7500
TIMEOUT = "D1 DB storage operation exceeded timeout which caused object to be reset."
LOST = "Network connection lost."
FULL = "Exceeded maximum DB size"
_SPEECHLESS = "Internal Server Error"
_READS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:select|explain|pragma|values)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Limits:
    """D1's documented limits of a paid account; seconds, bytes, and a number of databases."""

    call_seconds: float = 30.0
    database_bytes: int = 10 * 1000**3
    import_bytes: int = 5 * 1000**3
    databases: int = 50_000


@dataclass
class Desk:
    """The databases of one runtime. `busy` says by uuid why everybody else has to come back later."""

    runtime: Runtime
    state: State
    limits: Limits = field(default_factory=Limits)
    busy: dict[str, str] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _restarts: int = 0
    _left: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, uuid: str, statements: Sequence[Statement], *, rows: bool) -> list[dict[str, Any]]:
        """Runs the statements as one atomic batch, as D1's limits allow. With `rows`, results are the bytes of their
        JSON. Raises ApiError 7500.
        """
        if uuid in self.busy:
            raise refused(self.busy[uuid])
        for why in filter(None, map(refusal, statements)):
            raise refused(why)
        async with self._inside(uuid):
            if any(_READS.match(one.sql) is None for one in statements):
                await self._before_write(uuid)
            asked = [*statements, *await self._row_checks(uuid, statements)]
            results = await self.batch(uuid, asked, rows=rows, unread=rows)
        results = results[: len(statements)]
        if oversized(values for result in results for values in _rows(result["results"])):
            raise refused(VALUE_TOO_BIG)
        return results

    async def batch(
        self, uuid: str, statements: Sequence[Statement], *, rows: bool, unread: bool = False
    ) -> list[dict[str, Any]]:
        """One batch on the engine within the time of a call, whoever is busy. Raises ApiError 7500."""
        restarts = self._restarts
        try:
            async with asyncio.timeout(self.limits.call_seconds):
                asked = [(one.sql, one.params) for one in statements]
                if unread:
                    results = await self.runtime.d1_unread(uuid, asked)
                else:
                    results = await self.runtime.d1(uuid, asked, rows=rows)
        except TimeoutError:
            await self._reset(restarts)
            raise refused(TIMEOUT, status=500) from None
        except httpx2.TransportError as lost:
            raise refused(LOST, status=500) from lost
        except SqlError as wrong:
            raise refused(self._said(str(wrong))) from wrong
        self._sizes[uuid] = int(results[-1]["meta"]["size_after"])
        return results

    def _said(self, words: str) -> str:
        """What the engine said, or what it could not say: on a full disk it answers by "Internal Server Error"."""
        if ROW_CHECK_MARK in words:
            return VALUE_TOO_BIG
        return NO_ROOM if words == _SPEECHLESS and self.state.no_room() else words

    async def _reset(self, restarts: int) -> None:
        """Ends the engine's process, unless another call just did: nothing else stops SQL on its only thread."""
        if restarts == self._restarts:
            self._restarts += 1
            await self.runtime.restart_storage()

    @contextlib.asynccontextmanager
    async def alone(self, uuid: str, message: str) -> AsyncIterator[None]:
        """Has the database to itself: calls under way end first, new ones are refused with `message`."""
        if uuid in self.busy:
            raise refused(self.busy[uuid])
        self.busy[uuid] = message
        try:
            await self.runtime.d1_busy(uuid, message)
            async with self._left:
                await self._left.wait_for(lambda: not self._calls.get(uuid))
            yield
        finally:
            del self.busy[uuid]
            await self.runtime.d1_busy(uuid, None)

    @contextlib.asynccontextmanager
    async def _inside(self, uuid: str) -> AsyncIterator[None]:
        self._calls[uuid] = self._calls.get(uuid, 0) + 1
        try:
            yield
        finally:
            self._calls[uuid] -= 1
            async with self._left:
                self._left.notify_all()

    async def _before_write(self, uuid: str) -> None:
        # the file alone says too little: new pages wait in the log beside it
        if uuid not in self._sizes:
            await self.batch(uuid, [Statement("SELECT 1")], rows=True)
        if self._sizes[uuid] > self.limits.database_bytes:
            raise refused(FULL)
        await d1_snapshots.before_write(self.runtime, self.state, uuid)

    async def _row_checks(self, uuid: str, statements: Sequence[Statement]) -> list[Statement]:
        tables = dict.fromkeys(table for table in map(written_to, statements) if table)
        if not tables:
            return []
        asked = [Statement("SELECT name FROM pragma_table_info(?)", [unquoted(table)]) for table in tables]
        found = await self.batch(uuid, asked, rows=True)
        return [
            row_check(table, [row[0] for row in columns["results"]["rows"]])
            for table, columns in zip(tables, found, strict=True)
            if columns["results"]["rows"]
        ]


def refused(message: str, *, status: int = 400) -> ApiError:
    """An error of the database, with the empty list that D1 gives for a result."""
    return ApiError(status, SQL_ERROR, message, result=[])


def _rows(results: bytes | list[dict[str, Any]]) -> Iterable[Iterable[object]]:
    """The rows in which a value may be over the limit."""
    if isinstance(results, bytes):
        return orjson.loads(results)["rows"] if len(results) > VALUE_BYTES else ()
    return (row.values() for row in results)


_DESKS: WeakKeyDictionary[Runtime, Desk] = WeakKeyDictionary()


def desk(call: Call) -> Desk:
    """The one desk of this server."""
    return _DESKS.setdefault(call.runtime, Desk(call.runtime, call.state))
