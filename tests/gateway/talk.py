"""The official MCP client, talking to a gateway as an agent's CLI does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
from mcp import Client, StdioServerParameters

from herd import COMMAND, Herd

Found = TypeVar("Found")


def talk(
    herd: Herd, do: Callable[[Client], Awaitable[Found]], *words: str, cwd: Path | None = None, **client: Any
) -> Found:
    """`cattlegrid mcp …` over stdio; what `do` returns."""
    server = StdioServerParameters(
        command=COMMAND, args=["mcp", *words], env=dict(herd.environ), cwd=str(cwd or herd.folder)
    )

    async def main() -> Found:
        with anyio.fail_after(120):
            async with Client(server, mode=client.pop("mode", "legacy"), **client) as connected:
                return await do(connected)

    return anyio.run(main)


def text(result: Any) -> str:
    return "\n".join(part.text for part in result.content)
