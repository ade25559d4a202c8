"""The part of npm's package-lock.json that concerns one worker: the entries that its dependencies lead to."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.git.paths import parents, under

_INSTALLED: Final = ("dependencies", "optionalDependencies", "peerDependencies")
_BITS: Final = bytes.maketrans(b"01", b"\x00\x01")


@dataclass
class Lock:
    """`entries` as in the file's `packages`, whose keys are folders relative to the file (`node_modules/zod`).

    Sets of entries are bits of an integer, by position in `keys`: a thousand workers ask about the same few hundred.
    """

    entries: Mapping[str, Mapping[str, object]]
    keys: list[str]
    _positions: dict[str, int] = field(default_factory=dict)
    _marks: list[bytes] = field(default_factory=list)
    _hosts: frozenset[str] = frozenset()
    _reached: dict[str, int] = field(default_factory=dict)
    _digests: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._positions = {key: at for at, key in enumerate(self.keys)}
        self._hosts = frozenset(key.rpartition("node_modules/")[0].rstrip("/") for key in self.keys)
        self._marks = [f"{key}\0{_identity(self.entries[key])}\n".encode() for key in self.keys]

    def reached(self, wanted: Iterable[tuple[str, str]]) -> int:
        """The set of entries that these dependencies lead to: (folder that depends, name)."""
        found = 0
        for folder, name in wanted:
            key = self._resolved(folder, name)
            if key is not None:
                found |= self._closure(key)
        return found

    def digest(self, entries: int) -> str:
        if entries not in self._digests:
            self._digests[entries] = hashlib.sha256(b"".join(compress(self._marks, self._bits(entries)))).hexdigest()
        return self._digests[entries]

    def versions(self, entries: int) -> dict[str, str]:
        """Key to version, for a person."""
        chosen = compress(self.keys, self._bits(entries))
        return {key: str(self.entries[key].get("version", "")) for key in chosen}

    def _bits(self, entries: int) -> bytes:
        return format(entries, f"0{len(self.keys)}b").encode()[::-1].translate(_BITS)

    def _resolved(self, folder: str, name: str) -> str | None:
        """Where node finds the package: in the nearest node_modules at or above the folder."""
        for place in (folder, *parents(folder)):
            if place in self._hosts and (key := under(place, f"node_modules/{name}")) in self.entries:
                return key
        return None

    def _closure(self, start: str) -> int:
        if start in self._reached:
            return self._reached[start]
        found = 0
        waiting = [start]
        while waiting:
            key = waiting.pop()
            bit = 1 << self._positions[key]
            if found & bit:
                continue
            if key in self._reached:
                found |= self._reached[key]
                continue
            found |= bit
            waiting += self._next(key)
        self._reached[start] = found
        return found

    def _next(self, key: str) -> list[str]:
        entry = self.entries[key]
        target = str(entry.get("resolved", "")) if entry.get("link") is True else ""
        if target:
            return [target] if target in self._positions else []
        names = [name for kind in _INSTALLED if isinstance(table := entry.get(kind), dict) for name in table]
        if "node_modules/" not in key and isinstance(dev := entry.get("devDependencies"), dict):
            names += dev
        return [found for name in names if (found := self._resolved(key, name)) is not None]


@dataclass(frozen=True)
class Reached:
    """The entries that one worker reaches in the lock file at `path` in the repository."""

    lock: Lock
    path: str
    entries: int

    @property
    def digest(self) -> str:
        return self.lock.digest(self.entries)

    @property
    def versions(self) -> dict[str, str]:
        """Folder in the repository to version: `node_modules/zod`, `4.1.0`."""
        folder = posixpath.dirname(self.path)
        return {under(folder, key): version for key, version in self.lock.versions(self.entries).items()}


def read(raw: bytes, path: str) -> Lock | None:
    """The lock file, or None for one without `packages` (npm 6 and older): then the whole file counts."""
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise ConfigError((Mistake(path, "", f"is not valid JSON: {error}"),)) from error
    entries = document.get("packages") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        return None
    return Lock(entries, sorted(entries))


def _identity(entry: Mapping[str, object]) -> str:
    """What the installed package is. Flags such as `dev` and `peer` change when others' dependencies do."""
    if entry.get("link") is True:
        return f"link {entry.get('resolved')}"
    named = entry.get("integrity") or entry.get("resolved") or ""
    return f"{entry.get('version', '')} {named}"
