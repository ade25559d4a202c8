"""A Worker's log for some seconds, within limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cattlegrid.cloudflare.tails import Event, follow
from cattlegrid.errors import UsageError
from cattlegrid.gateway.way import Way

LONGEST: Final = 60
_USUAL: Final = 10
_MOST_EVENTS: Final = 100
_MOST_LETTERS: Final = 2000


@dataclass(frozen=True)
class Heard:
    """`seconds` were listened; no event in them means that the Worker was not called. `cut`: there were more."""

    worker: str
    seconds: float
    events: tuple[Event, ...]
    cut: bool


def logs(way: Way, arguments: Mapping[str, Any]) -> Heard:
    """What the Worker logs and throws while this listens. Raises UsageError, ApiError."""
    name = str(arguments["worker"])
    if name not in way.target.workers:
        raise UsageError(f"there is no worker {name!r}; the workers are {', '.join(way.target.workers)}")
    seconds = max(1.0, min(float(arguments.get("seconds", _USUAL)), LONGEST))
    found: list[Event] = []
    for event in follow(way.client, way.target.workers[name].script, seconds=seconds):
        if len(found) == _MOST_EVENTS:
            return Heard(name, seconds, tuple(found), cut=True)
        found.append(_short(event))
    return Heard(name, seconds, tuple(found), cut=False)


def _short(event: Event) -> Event:
    return replace(
        event,
        logs=tuple(line[:_MOST_LETTERS] for line in event.logs),
        exceptions=tuple(line[:_MOST_LETTERS] for line in event.exceptions),
    )
