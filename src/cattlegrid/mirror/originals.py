"""A set of texts that were seen, without the texts, in memory that does not grow with them.

A text is its 64-bit hash by Python, whose key is this process's own. The hashes lie in one open-addressed table.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_SLOTS: Final = 1 << 22
_PLACE: Final = _SLOTS - 1
MOST: Final = 2_500_000


@dataclass
class Originals:
    """At most MOST texts, six of ten slots: 32 MB, taken with the first one. `full` says that there were more."""

    full: bool = False
    _held: int = 0
    _slots: array[int] = field(default_factory=lambda: array("q"))

    def add(self, texts: Iterable[str]) -> None:
        if not self._slots:
            self._slots = array("q", [0]) * _SLOTS
        slots, held = self._slots, self._held
        for text in texts:
            wanted = hash(text) or 1
            at = wanted & _PLACE
            while (found := slots[at]) != wanted and found:
                at = (at + 1) & _PLACE
            if not found:
                if held == MOST:
                    self.full = True
                    break
                slots[at] = wanted
                held += 1
        self._held = held

    def any(self, texts: Iterable[str]) -> bool:
        """Whether one of them is an original."""
        slots = self._slots
        if not self._held:
            return False
        for text in texts:
            wanted = hash(text) or 1
            at = wanted & _PLACE
            while (found := slots[at]) != wanted and found:
                at = (at + 1) & _PLACE
            if found:
                return True
        return False
