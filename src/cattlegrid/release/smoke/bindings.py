"""The live bindings, read back from Cloudflare: this environment's resources, and none of the other's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.target import Deployable
from cattlegrid.release.smoke.subject import Subject
from cattlegrid.wrangler.deployed import Bound, asked, held

Resource = tuple[str, str]

# The kinds that lead to something in the account, by the API's types.
_COMPARED: Final = frozenset({
    "d1", "dispatch_namespace", "durable_object_namespace", "hyperdrive", "kv_namespace", "queue", "r2_bucket",
    "service", "vectorize", "workflow",
})  # fmt: skip


def declared(config: Mapping[str, object]) -> dict[str, Resource]:
    """The resources that a resolved wrangler config names, by binding."""
    return _resources(asked(config))


def live(bindings: Iterable[Mapping[str, object]]) -> dict[str, Resource]:
    """The resources that a deployed version is bound to, by binding."""
    return _resources(held(bindings))


def _resources(bound: Mapping[str, Bound]) -> dict[str, Resource]:
    """Of a Durable Object's class, the Worker whose it is."""
    found = {}
    for name, one in bound.items():
        resource = one.script if one.type == "durable_object_namespace" else one.identity
        if one.type in _COMPARED and resource:
            found[name] = (one.type, resource)
    return found


def owned(deployables: Iterable[Deployable]) -> dict[Resource, str]:
    """Everything that belongs to an environment, with the worker it belongs to; its own scripts included."""
    found: dict[Resource, str] = {}
    for deployable in deployables:
        found[("service", deployable.script)] = deployable.worker.name
        for resource in declared(deployable.config).values():
            found.setdefault(resource, deployable.worker.name)
    return found


def run(subject: Subject, others: Mapping[Resource, str], other: str) -> list[Check]:
    """One check for each binding to a resource. `others` is what the other environment owns, `other` its name."""
    wanted, found = declared(subject.deployable.config), live(subject.version.bindings)
    return [_one(subject, name, wanted.get(name), found.get(name), others, other) for name in sorted(wanted | found)]


def _one(
    subject: Subject,
    name: str,
    wanted: Resource | None,
    found: Resource | None,
    others: Mapping[Resource, str],
    other: str,
) -> Check:
    title = f"binding {name}"
    if found is None:
        return subject.check(title, Outcome.FAIL, "is in the config and not in the live version")
    kind, resource = found
    if found in others:
        return subject.check(title, Outcome.FAIL, f"{kind} {resource} belongs to {other} (worker {others[found]})")
    if wanted is not None and found != wanted:
        return subject.check(title, Outcome.FAIL, f"is {kind} {resource}; the config says {wanted[0]} {wanted[1]}")
    return subject.check(title, Outcome.PASS, f"{kind} {resource}")
