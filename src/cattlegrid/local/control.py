"""Everything that a route needs, opened once when the control plane starts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cattlegrid.local.faults import Faults
from cattlegrid.local.limiter import Limiter
from cattlegrid.local.state import State

if TYPE_CHECKING:
    from cattlegrid.local.runtime import Runtime


@dataclass(frozen=True)
class Control:
    """`locks` serialise changes of one script; `lag` is how long edges go on serving what was deployed before."""

    state: State
    runtime: Runtime
    port: int
    router_port: int
    limiter: Limiter = field(default_factory=Limiter)
    faults: Faults = field(default_factory=Faults)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    later: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/v4"

    def lock(self, script: str) -> asyncio.Lock:
        return self.locks.setdefault(script, asyncio.Lock())
