"""How fast we may ask: Cloudflare's budget of calls, what it says when it is used up, how to go on after a fault."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cattlegrid.clock import Clock
from cattlegrid.errors import ApiError

CALLS: Final = 1200
SECONDS: Final = 300.0
_BURST: Final = 1000
_BLOCKED: Final = 300.0
_PATIENCE: Final = 4
_TOO_MUCH: Final = ("memory limit", "exceeded timeout", "too large", "storage operation exceeded", "SQLITE_NOMEM")

T = TypeVar("T")


class TooMuch(ApiError):
    """One call asked for more than D1 can do in one call: in memory, bytes or 30 s. Ask for less."""


@dataclass
class Pace:
    """A bucket of calls for one token: `burst` at once, then as many a second as the budget refills.

    Safe to share between threads. `waited` counts the seconds spent waiting, `calls` the calls made.
    """

    clock: Clock
    burst: float = _BURST
    per_second: float = CALLS / SECONDS * 0.875
    calls: int = 0
    waited: float = 0.0
    _left: float = field(default=-1.0)
    _at: float = 0.0
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def call(self, ask: Callable[[], T]) -> T:
        """One call in its turn. Waits out a block of the token; raises TooMuch when less has to be asked for."""
        for attempt in range(_PATIENCE):
            self._take()
            try:
                return ask()
            except ApiError as error:
                if error.status == 429 and attempt < _PATIENCE - 1:
                    self._wait(error.retry_after or _BLOCKED)
                elif error.status == 413 or any(words in error.what for words in _TOO_MUCH):
                    raise TooMuch(error.what, status=error.status, number=error.number, where=error.where) from error
                else:
                    raise
        raise AssertionError("unreachable")

    def _take(self) -> None:
        with self._turn:
            now = self.clock.monotonic()
            if self._left < 0:
                self._left, self._at = self.burst, now
            self._left = min(self.burst, self._left + (now - self._at) * self.per_second)
            self._at = now
            self.calls += 1
            wait = max(0.0, (1.0 - self._left) / self.per_second)
            self._left -= 1.0
        if wait:
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        self.waited += seconds
        self.clock.sleep(seconds)
