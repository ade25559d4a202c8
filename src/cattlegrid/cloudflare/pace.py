"""Staying below Cloudflare's limit of calls, by what its own answers say is left of it.

One call too many blocks the token for five minutes, also for everybody else who uses it. So before the limit is used up
we wait for the next window. What wrangler calls meanwhile is in Cloudflare's count, and a reserve is left for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from threading import Lock
from typing import Final

from cattlegrid.clock import Clock

CALLS: Final = 1200  # for one token in one window
WINDOW: Final = 300.0
_RESERVE: Final = 150
_LEFT: Final = re.compile(r"\br=(\d+)\s*;\s*t=(\d+)")
_QUOTA: Final = re.compile(r"\bq=(\d+)")


def least(calls: int) -> float:
    """The seconds that so many calls take at the least: whole windows that have to be waited for."""
    return max(0, ceil(calls / CALLS) - 1) * WINDOW


def told(calls: int) -> str:
    """What a person has to know before so many calls; empty when they fit into one window."""
    if calls <= CALLS - _RESERVE:
        return ""
    minutes = max(least(calls + _RESERVE), WINDOW) / 60
    allowed = f"Cloudflare allows {CALLS} in five minutes"
    return f"about {calls} calls, and {allowed}: they are paced, over {minutes:.0f} minutes"


@dataclass
class Pace:
    """For all clients of one token. `tell` hears of each wait: how many calls are left, and the seconds."""

    tell: Callable[[int, float], None] = lambda _left, _seconds: None
    _left: int | None = None
    _until: float = 0.0
    _over: float = 0.0
    _reserve: float = _RESERVE
    _lock: Lock = field(default_factory=Lock)

    def heard(self, left: str, policy: str, now: float) -> None:
        """The headers `Ratelimit` and `Ratelimit-Policy` of an answer; without them nothing is known."""
        found, quota = _LEFT.search(left), _QUOTA.search(policy)
        if found is None:
            return
        until = now + min(float(found[2]), WINDOW)
        with self._lock:
            if until <= self._over:  # an answer of the window that has been waited for
                return
            self._left, self._until = int(found[1]), until
            self._reserve = min(_RESERVE, int(quota[1]) / 6) if quota is not None else _RESERVE

    def wait(self, clock: Clock) -> None:
        """Until the next window, when this one is nearly used up. Whoever comes meanwhile waits too."""
        with self._lock:
            if self._left is None or self._left > self._reserve:
                return
            seconds = self._until - clock.monotonic()
            if seconds > 0:
                self.tell(self._left, seconds)
                clock.sleep(seconds)
            self._left, self._over = None, self._until + 1
