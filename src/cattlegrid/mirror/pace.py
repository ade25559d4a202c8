"""How fast we may ask: Cloudflare's budget of calls, what it says when it is used up, how to go on after a fault."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cattlegrid.clock import Clock
from cattlegrid.cloudflare.pace import CALLS, WINDOW
from cattlegrid.errors import ApiError

_BLOCKED: Final = 300.0
_PATIENCE: Final = 4
_LEAST: Final = 1 / 8
_TOO_MUCH: Final = ("memory limit", "exceeded timeout", "too large", "storage operation exceeded", "SQLITE_NOMEM")

T = TypeVar("T")


class TooMuch(ApiError):
    """One call asked for more than D1 can do in one call: in memory, bytes or 30 s. Ask for less."""


@dataclass
class Pace:
    """At most `calls_allowed` in any five minutes for one token: the rest of the budget is for whoever else uses it.

    Safe to share between threads. `waited` counts the seconds spent waiting, `calls` the calls made. `share` is how
    much of an ordinary call the next one should ask for: it halves with each call that takes longer than `slow`
    seconds, or the engine a fifth of that, and grows again while calls take less than a quarter of that.
    """

    clock: Clock
    calls_allowed: int = CALLS - 100
    calls: int = 0
    waited: float = 0.0
    slow: float = 5.0
    share: float = 1.0
    _made: deque[float] = field(default_factory=deque)
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

    def felt(self, seconds: float, engine_milliseconds: float) -> None:
        """How long a call took: for us, and in the engine, which answers nobody else meanwhile."""
        strain = max(seconds, engine_milliseconds / 1000 * 5) / self.slow
        with self._turn:
            if strain > 1:
                self.share = max(_LEAST, self.share / 2)
            elif strain < 1 / 4:
                self.share = min(1.0, self.share * 1.5)

    def _take(self) -> None:
        with self._turn:
            now = self.clock.monotonic()
            while self._made and self._made[0] <= now - WINDOW:
                self._made.popleft()
            full = len(self._made) >= self.calls_allowed
            wait = self._made[-self.calls_allowed] + WINDOW - now if full else 0.0
            self._made.append(now + wait)
            self.calls += 1
        if wait:
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        self.waited += seconds
        self.clock.sleep(seconds)
