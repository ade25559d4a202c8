"""Who tails which Worker, and which of its events they asked to see."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

LIFETIME: Final = 6 * 3600.0
FILTERS: Final = frozenset({"sampling_rate", "outcome", "method", "header", "client_ip", "query", "scriptVersion"})


@dataclass(frozen=True)
class Tail:
    """`filters` as wrangler sends them, one criterion each; an event must meet all. `expires` in seconds since 1970."""

    id: str
    script: str
    filters: tuple[Mapping[str, Any], ...]
    expires: float


@dataclass
class Tails:
    """The open tails of this run; none outlives the control plane, as none outlives its connection."""

    open: dict[str, Tail] = field(default_factory=dict)

    def start(self, script: str, filters: Sequence[Mapping[str, Any]]) -> Tail:
        tail = Tail(secrets.token_hex(16), script, tuple(filters), time.time() + LIFETIME)
        self.open[tail.id] = tail
        return tail

    def of(self, script: str) -> list[Tail]:
        now = time.time()
        self.open = {name: tail for name, tail in self.open.items() if tail.expires > now}
        return [tail for tail in self.open.values() if tail.script == script]


def wanted(event: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    return all(_meets(event, name, value) for one in filters for name, value in one.items())


def _meets(event: Mapping[str, Any], name: str, value: Any) -> bool:
    told = event.get("event") or {}
    request = told.get("request") or {}
    headers = {key.lower(): str(text) for key, text in (request.get("headers") or {}).items()}
    match name:
        case "sampling_rate":
            return random.random() < float(value)  # noqa: S311 - a sample, not a secret
        case "outcome":
            return event.get("outcome") in value
        case "method":
            return request.get("method") in {one.upper() for one in value}
        case "header":
            text = headers.get(value["key"].lower())
            return text is not None and value.get("query", "") in text
        case "client_ip":
            return headers.get("cf-connecting-ip") in value or "self" in value
        case "query":
            return any(value in str(log.get("message")) for log in event.get("logs") or ())
        case _:
            return bool((event.get("scriptVersion") or {}).get("id") == value)
