"""`allow`: what waits for a person in the sessions of this machine, and letting one call run, once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cattlegrid.agents import folder
from cattlegrid.agents.relay import connect
from cattlegrid.agents.session import CONTROL
from cattlegrid.errors import CattlegridError, Refused, UsageError
from cattlegrid.verbs.edge import Edge


@dataclass(frozen=True)
class Waiting:
    """One call that waits. `place` is its session's folder; `arguments` are shown to the person, and kept nowhere."""

    place: Path
    environment: str
    venture: str
    id: str
    tool: str
    worker: str
    effect: str
    arguments: Mapping[str, Any]
    digest: str
    expires: str
    allowed: bool


def waiting(edge: Edge) -> tuple[Waiting, ...]:
    """Every call that waits in a running session of this user."""
    found = []
    for place in _sessions(edge):
        try:
            told = _asked(place, {"do": "list"})
        except (CattlegridError, OSError, ValueError):
            continue
        found += [Waiting(place, told["environment"], told["venture"], **one) for one in told["waiting"]]
    return tuple(found)


def find(edge: Edge, name: str) -> Waiting:
    """Raises UsageError when no such call waits."""
    all_of_them = waiting(edge)
    for one in all_of_them:
        if one.id == name:
            return one
    known = ", ".join(one.id for one in all_of_them) or "none waits"
    raise UsageError(f"no call {name!r} waits: {known}", next="cattlegrid allow")


def allow(one: Waiting, typed: str) -> None:
    """Let this call run once. Raises Refused with the gateway's reason: it looks at who asks."""
    told = _asked(one.place, {"do": "allow", "id": one.id, "typed": typed})
    if "refused" in told:
        raise Refused(str(told["refused"]), next=f"cattlegrid allow {one.id}   (a person, in a terminal of their own)")


def _sessions(edge: Edge) -> Iterator[Path]:
    for parent in folder.parents(edge.environ):
        yield from sorted(place.parent for place in parent.glob(f"cattlegrid-*/{CONTROL}"))


def _asked(place: Path, question: Mapping[str, object]) -> dict[str, Any]:
    with connect(place / CONTROL) as connection:
        connection.sendall(json.dumps(question).encode() + b"\n")
        with connection.makefile("rb") as answer:
            told: dict[str, Any] = json.loads(answer.readline())
    return told
