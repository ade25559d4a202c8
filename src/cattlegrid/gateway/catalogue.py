"""The tools as a client sees them: names kept and made unambiguous, the environment in every description."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cattlegrid.agents.policy import Effect, effect
from cattlegrid.gateway import words
from cattlegrid.gateway.upstream import Item, Upstream

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True)
class Served:
    """A worker's tool or prompt under the name that the client uses; `own` is the name that the worker uses."""

    name: str
    own: str
    upstream: Upstream
    effect: Effect
    shown: Mapping[str, Any]


Given = dict[tuple[str, str], str]
"""Names that were given before, by worker and own name: a name that a client has seen keeps its meaning."""


def tools(upstreams: Iterable[Upstream], taken: frozenset[str], label: str, given: Given) -> dict[str, Served]:
    """A name that two workers have, or that is one of ours (`taken`), gets its worker's name in front."""
    found = [(upstream, item) for upstream in upstreams for item in upstream.offers["tools"]]
    served = {}
    for name, upstream, item in _named(found, taken, given):
        annotations = item.get("annotations")
        kind = effect(
            annotations if isinstance(annotations, Mapping) else None, upstream.worker.tools.get(item["name"])
        )
        served[name] = Served(name, item["name"], upstream, kind, _tool(item, name, upstream, kind, label))
    return served


def prompts(upstreams: Iterable[Upstream], label: str) -> dict[str, Served]:
    found = [(upstream, item) for upstream in upstreams for item in upstream.offers["prompts"]]
    return {
        name: Served(
            name, item["name"], upstream, Effect.READ, {**item, "name": name, **_described(item, upstream, label)}
        )
        for name, upstream, item in _named(found, frozenset(), {})
    }


def resources(upstreams: Iterable[Upstream], kind: str, label: str) -> list[Item]:
    return [
        {"name": item.get("uri", "resource"), **item, **_described(item, upstream, label)}
        for upstream in upstreams
        for item in upstream.offers[kind]
    ]


def _named(found: list[tuple[Upstream, Item]], taken: frozenset[str], given: Given) -> list[tuple[str, Upstream, Item]]:
    times = Counter(item["name"] for _, item in found)
    named = []
    for upstream, item in found:
        worker, own = upstream.worker.name, item["name"]
        used = taken | {name for key, name in given.items() if key != (worker, own)}
        name = given.get((worker, own)) or (own if times[own] == 1 and own not in used else f"{worker}_{own}")
        if name not in used and _NAME.fullmatch(name):
            given[worker, own] = name
            named.append((name, upstream, item))
    return named


def _tool(item: Item, name: str, upstream: Upstream, kind: Effect, label: str) -> dict[str, Any]:
    schema = item.get("inputSchema")
    given = item.get("annotations")
    hints = {"readOnlyHint": kind is Effect.READ, "destructiveHint": kind is Effect.DESTRUCTIVE}
    return {
        **item,
        "name": name,
        "inputSchema": schema if isinstance(schema, dict) and schema.get("type") == "object" else {"type": "object"},
        "annotations": {**(given if isinstance(given, dict) else {}), **hints},
        **_described(item, upstream, label),
    }


def _described(item: Item, upstream: Upstream, label: str) -> dict[str, str]:
    """Marked as the worker's."""
    said = words.plain(item.get("description"))
    return {"description": f"[{label} · worker {upstream.worker.name}] {said}".rstrip()}
