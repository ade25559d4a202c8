"""Faults on demand: what goes wrong is chosen by method, route, count and seed, and is the same in every run."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from cattlegrid.local.envelope import ApiError

KINDS = {
    "delay": "wait `seconds`, then serve the call as usual",
    "429": "refuse with 429 and Retry-After: `seconds`",
    "500": "refuse with 500 before anything has happened",
    "cut": "cut the connection before anything has happened",
    "lost": "do what was asked, then cut the connection instead of answering",
    "garbage": "do what was asked, then answer with HTML that is no envelope",
    "edge-lag": "answer a deployment at once, but serve the old version for `seconds` more",
}


@dataclass(frozen=True)
class Fault:
    """Hits the calls number `skip`+1 to `skip`+`count` that match; `chance` below 1 is drawn from `seed`.

    `method` and `route` are shell patterns; `route` is compared with the path after /client/v4.
    """

    id: str
    kind: str
    method: str = "*"
    route: str = "*"
    count: int = 1
    skip: int = 0
    seconds: float = 1.0
    chance: float = 1.0
    seed: int = 0

    def concerns(self, method: str, path: str) -> bool:
        """What steers the faults themselves (/local/…) is never hit by them, nor counted."""
        return not path.startswith("/local/") and fnmatchcase(method, self.method) and fnmatchcase(path, self.route)


@dataclass
class _Armed:
    fault: Fault
    dice: random.Random
    seen: int = 0
    hit: int = 0


@dataclass
class Faults:
    armed: dict[str, _Armed] = field(default_factory=dict)

    def arm(self, fault: Fault) -> None:
        self.armed[fault.id] = _Armed(fault, random.Random(fault.seed))  # noqa: S311 (repeatable, not secret)

    def clear(self) -> None:
        self.armed.clear()

    def disarm(self, identifier: str) -> bool:
        return self.armed.pop(identifier, None) is not None

    def shown(self) -> list[dict[str, Any]]:
        return [{**asdict(one.fault), "seen": one.seen, "hit": one.hit} for one in self.armed.values()]

    def strike(self, method: str, path: str) -> tuple[Fault, ...]:
        """The faults that hit this call, in the order in which they were armed; counts them."""
        return tuple(one.fault for one in self.armed.values() if _hits(one, method, path))


def _hits(one: _Armed, method: str, path: str) -> bool:
    if not one.fault.concerns(method, path):
        return False
    one.seen += 1
    if one.seen <= one.fault.skip or one.hit >= one.fault.count:
        return False
    if one.dice.random() >= one.fault.chance:
        return False
    one.hit += 1
    return True


def read_fault(said: Mapping[str, Any]) -> Fault:
    """Raises ApiError 400 that names the field."""
    known = {"kind": str, "method": str, "route": str, "count": int, "skip": int, "seed": int}
    numbers = {"seconds", "chance"}
    for name, value in said.items():
        if name in numbers:
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ApiError(400, 10005, f"{name}: must be a number that is not negative, not {value!r}")
        elif name not in known:
            raise ApiError(
                400, 10005, f"{name}: there is no such field; there are {', '.join([*known, *sorted(numbers)])}"
            )
        elif isinstance(value, bool) or not isinstance(value, known[name]):
            raise ApiError(400, 10005, f"{name}: must be a {known[name].__name__}, not {value!r}")
    if said.get("kind") not in KINDS:
        raise ApiError(400, 10005, f"kind: must be one of {', '.join(KINDS)}, not {said.get('kind')!r}")
    return Fault(id=uuid.uuid4().hex[:8], **said)
