"""A write in production waits for a person: asked in the agent's own form, or allowed from another terminal. Once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from cattlegrid.clock import Clock

LIFETIME: Final = timedelta(minutes=10)


@dataclass
class Request:
    """`digest` names exactly these arguments; another call needs another approval. `arguments` stay in this process."""

    id: str
    tool: str
    worker: str
    effect: str
    arguments: Mapping[str, Any] = field(repr=False)
    digest: str
    expires: datetime
    allowed: bool = False

    def told(self) -> dict[str, object]:
        return {
            "id": self.id,
            "tool": self.tool,
            "worker": self.worker,
            "effect": self.effect,
            "arguments": self.arguments,
            "digest": self.digest,
            "expires": self.expires.isoformat(),
            "allowed": self.allowed,
        }


class Desk:
    """The requests that wait. Held in the gateway's memory: no file that an agent could write grants anything."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._requests: dict[str, Request] = {}

    def waiting(self) -> list[Request]:
        now = self._clock.now()
        self._requests = {name: one for name, one in self._requests.items() if one.expires > now}
        return list(self._requests.values())

    def take(self, tool: str, digest: str) -> bool:
        """Whether a person has allowed exactly this call. Used up by asking."""
        for one in self.waiting():
            if one.allowed and (one.tool, one.digest) == (tool, digest):
                del self._requests[one.id]
                return True
        return False

    def put(self, tool: str, worker: str, effect: str, arguments: Mapping[str, Any], digest: str) -> Request:
        """The request for this call; the same one while it waits."""
        for one in self.waiting():
            if (one.tool, one.digest) == (tool, digest):
                return one
        made = Request(secrets.token_hex(3), tool, worker, effect, arguments, digest, self._clock.now() + LIFETIME)
        self._requests[made.id] = made
        return made

    def allow(self, name: str) -> Request | None:
        found = next((one for one in self.waiting() if one.id == name), None)
        if found is not None:
            found.allowed = True
        return found
