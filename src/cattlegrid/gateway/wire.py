"""MCP over a stream of lines: how a session's relays, the children of the agent, reach its gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import mcp_types as types
from anyio.abc import ByteStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

_LONGEST: Final = 64 * 1024 * 1024

Reading = MemoryObjectReceiveStream[SessionMessage | Exception]
Writing = MemoryObjectSendStream[SessionMessage]


@asynccontextmanager
async def lines(stream: ByteStream) -> AsyncIterator[tuple[Reading, Writing]]:
    """One JSON message a line, both ways."""
    into, reading = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    writing, out = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        rest = b""
        async with into:
            try:
                async for piece in stream:
                    *whole, rest = (rest + piece).split(b"\n")
                    if len(rest) > _LONGEST:
                        return
                    for line in whole:
                        await into.send(_message(line))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
                return

    async def write() -> None:
        async with out:
            async for message in out:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                try:
                    await stream.send(text.encode() + b"\n")
                except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
                    return

    async with anyio.create_task_group() as group, reading, writing:
        group.start_soon(read)
        group.start_soon(write)
        yield reading, writing
        group.cancel_scope.cancel()


def _message(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError as error:
        return error
