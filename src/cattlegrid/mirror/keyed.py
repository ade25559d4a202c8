"""Randomness from a key: the same text gives the same digits everywhere and always, and nobody without the key can tell
which text they came from. BLAKE2b with a key, and a permutation (a Feistel network) where nothing may collide.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cattlegrid.model.secret import Secret

_ROUNDS: Final = 8


@dataclass(frozen=True)
class Keyed:
    """The key under which one kind of value is masked; `domain` sets the kinds apart."""

    key: Secret
    domain: str
    _bytes: bytes = field(init=False, repr=False, default=b"")

    def __post_init__(self) -> None:
        derived = hashlib.blake2b(self.domain.encode(), key=_key(self.key), digest_size=32).digest()
        object.__setattr__(self, "_bytes", derived)

    def digest(self, text: str, size: int = 16) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._bytes, digest_size=size).digest()

    def number(self, text: str) -> int:
        """128 bits."""
        return int.from_bytes(self.digest(text), "big")

    def stream(self, text: str, size: int) -> bytes:
        """As many bytes as are asked for."""
        return hashlib.shake_128(self.digest(text, 32)).digest(size)

    def permuted(self, number: int, below: int, tweak: str = "") -> int:
        """Another number below `below`: different numbers stay different. By walking a Feistel network's cycle."""
        if below < 2:
            return number
        half = max(1, (max(2, (below - 1).bit_length()) + 1) // 2)
        while True:
            number = self._feistel(number, half, tweak)
            if number < below:
                return number

    def _feistel(self, number: int, half: int, tweak: str) -> int:
        mask = (1 << half) - 1
        left, right = number >> half, number & mask
        width = (half + 7) // 8
        for step in range(_ROUNDS):
            said = f"{tweak}/{half}/{step}/".encode() + right.to_bytes(width, "big")
            mixed = hashlib.blake2b(said, key=self._bytes, digest_size=min(64, max(8, width))).digest()
            left, right = right, left ^ (int.from_bytes(mixed, "big") & mask)
        return (left << half) | right


def fingerprint(key: Secret) -> str:
    """Which key it is, without what it is: 12 hex digits."""
    return hashlib.blake2b(b"cattlegrid mirror fingerprint", key=_key(key), digest_size=6).hexdigest()


def _key(key: Secret) -> bytes:
    return hashlib.blake2b(key.reveal().encode(), digest_size=32, person=b"cg-mirror").digest()
