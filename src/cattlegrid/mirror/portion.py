"""How much one call asks of a database: less while it is slow; and what to do after one that was too much."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cattlegrid.clock import Clock
from cattlegrid.errors import ApiError

SLOW: Final = 5.0
_BLOCKED: Final = 300.0
_PATIENCE: Final = 4
_LEAST: Final = 1 / 8
_TOO_MUCH: Final = ("memory limit", "exceeded timeout", "too large", "storage operation exceeded", "SQLITE_NOMEM")

T = TypeVar("T")


class TooMuch(ApiError):
    """One call asked for more than D1 can do in one call: in memory, bytes or 30 s. Ask for less."""


@dataclass
class Portion:
    """`share` is how much of an ordinary call the next one should ask for: it halves with each call that takes longer
    than SLOW seconds, or the engine a fifth of that, and grows again while calls take less than a quarter of that.

    Safe to share between threads.
    """

    share: float = 1.0
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def felt(self, seconds: float, engine_milliseconds: float) -> None:
        """How long a call took: for us, and in the engine, which answers nobody else meanwhile."""
        strain = max(seconds, engine_milliseconds / 1000 * 5) / SLOW
        with self._turn:
            if strain > 1:
                self.share = max(_LEAST, self.share / 2)
            elif strain < 1 / 4:
                self.share = min(1.0, self.share * 1.5)


def patiently(clock: Clock, ask: Callable[[], T]) -> T:
    """One call. Waits out a block of the token; raises TooMuch when less has to be asked for."""
    for attempt in range(_PATIENCE):
        try:
            return ask()
        except ApiError as error:
            if error.status == 429 and attempt < _PATIENCE - 1:
                clock.sleep(error.retry_after or _BLOCKED)
            elif error.status == 413 or any(words in error.what for words in _TOO_MUCH):
                raise TooMuch(error.what, status=error.status, number=error.number, where=error.where) from error
            else:
                raise
    raise AssertionError("unreachable")
