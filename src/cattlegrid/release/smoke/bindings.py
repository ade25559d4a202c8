"""The live bindings, read back from Cloudflare: this environment's resources, and none of the other's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.target import Deployable
from cattlegrid.release.smoke.subject import Subject

Resource = tuple[str, str]

# Cloudflare's binding type: the keys that name the resource, the wrangler setting, and that setting's own key.
_KINDS: Final[Mapping[str, tuple[tuple[str, ...], str, str]]] = {
    "d1": (("id", "database_id"), "d1_databases", "database_id"),
    "kv_namespace": (("namespace_id",), "kv_namespaces", "id"),
    "r2_bucket": (("bucket_name",), "r2_buckets", "bucket_name"),
    "queue": (("queue_name",), "queues.producers", "queue"),
    "service": (("service",), "services", "service"),
    "hyperdrive": (("id",), "hyperdrive", "id"),
    "vectorize": (("index_name",), "vectorize", "index_name"),
    "durable_object_namespace": (("script_name",), "durable_objects.bindings", "script_name"),
    "workflow": (("workflow_name",), "workflows", "name"),
    "dispatch_namespace": (("namespace",), "dispatch_namespaces", "namespace"),
}


def declared(config: Mapping[str, object]) -> dict[str, Resource]:
    """The resources that a resolved wrangler config names, by binding."""
    found = {}
    for kind, (_, setting, key) in _KINDS.items():
        for entry in _entries(config, setting):
            binding, resource = entry.get("binding", entry.get("name")), entry.get(key)
            if isinstance(binding, str) and isinstance(resource, str) and resource:
                found[binding] = (kind, resource)
    return found


def live(bindings: Iterable[Mapping[str, object]]) -> dict[str, Resource]:
    """The resources that a deployed version is bound to, by binding."""
    found = {}
    for binding in bindings:
        kind = str(binding.get("type"))
        keys = _KINDS[kind][0] if kind in _KINDS else ()
        resource = next((binding[key] for key in keys if isinstance(binding.get(key), str)), None)
        if resource is not None:
            found[str(binding.get("name"))] = (kind, str(resource))
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


def _entries(config: Mapping[str, object], setting: str) -> Iterator[Mapping[str, object]]:
    value: object = config
    for part in setting.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    for entry in value if isinstance(value, list) else []:
        if isinstance(entry, Mapping):
            yield entry
