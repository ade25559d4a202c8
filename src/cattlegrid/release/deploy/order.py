"""In which order workers are deployed: a service binding's target must exist before the worker that binds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cattlegrid.model.target import Deployable
from cattlegrid.release.smoke.bindings import declared


def waves(deployables: Iterable[Deployable], missing: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Names of workers in groups; those of a group may go at once. `missing` are scripts that do not exist yet.

    Workers that need each other and are both missing come last, together: Cloudflare then says what it thinks of them.
    """
    left = {deployable.worker.name: deployable for deployable in deployables}
    needs = {name: _needs(deployable, left, missing) for name, deployable in left.items()}
    ordered: list[tuple[str, ...]] = []
    while needs:
        ready = tuple(name for name, waits_for in needs.items() if not waits_for & needs.keys())
        ready = ready or tuple(needs)
        ordered.append(ready)
        needs = {name: waits_for for name, waits_for in needs.items() if name not in ready}
    return tuple(ordered)


def targets(deployable: Deployable) -> frozenset[str]:
    """The scripts that the worker's service bindings call."""
    return frozenset(name for kind, name in declared(deployable.config).values() if kind == "service")


def _needs(deployable: Deployable, among: Mapping[str, Deployable], missing: frozenset[str]) -> set[str]:
    called = targets(deployable) & missing - {deployable.script}
    return {name for name, other in among.items() if other.script in called}
