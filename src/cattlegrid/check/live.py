"""What really runs: the bindings of the deployed versions, of both environments, against each other and the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cattlegrid.check import rules
from cattlegrid.check.look import Look
from cattlegrid.model.environment import Environment
from cattlegrid.model.finding import Finding

# The field of a deployed binding that says which resource it is, by the API's type names, with our word for it.
_IDENTITY: Final[Mapping[str, tuple[str, str]]] = {
    "d1": ("D1 database", "id"),
    "kv_namespace": ("KV namespace", "namespace_id"),
    "r2_bucket": ("R2 bucket", "bucket_name"),
    "queue": ("queue", "queue_name"),
    "service": ("Worker", "service"),
    "vectorize": ("Vectorize index", "index_name"),
    "hyperdrive": ("Hyperdrive configuration", "id"),
    "dispatch_namespace": ("dispatch namespace", "namespace"),
    "mtls_certificate": ("mTLS certificate", "certificate_id"),
    "analytics_engine": ("Analytics Engine dataset", "dataset"),
    "workflow": ("workflow", "workflow_name"),
}


@dataclass(frozen=True)
class Running:
    """The bindings of the version that is live for a Worker in one environment, as the API tells them."""

    worker: str
    environment: Environment
    bindings: tuple[Mapping[str, object], ...]


def live(look: Look, running: tuple[Running, ...]) -> Iterator[Finding]:
    """Staging's live bindings against production's live ones and against all that production's files name."""
    taken: dict[tuple[str, str], str] = {
        key: f"production's in {worker.file}" for key, worker in look.production.items()
    }
    for one in running:
        if one.environment is Environment.PRODUCTION:
            for key, _ in _identities(one):
                taken.setdefault(key, f"bound by {one.worker} in production")
    files = {worker.name: worker for worker in look.workers}
    for one in running:
        if one.environment is not Environment.STAGING:
            continue
        for key, name in _identities(one):
            if key in taken:
                what = f"{one.worker} runs in staging with {name} bound to {key[0]} {key[1]}, {taken[key]}"
                yield files[one.worker].finding(rules.LIVE_SHARED, (), what, "cattlegrid split, then cattlegrid deploy")
        yield from _unlike_the_file(look, one)


def _unlike_the_file(look: Look, one: Running) -> Iterator[Finding]:
    worker = next(worker for worker in look.workers if worker.name == one.worker)
    config = worker.parts.staging or {}
    for table, word, field in (("d1_databases", "D1 database", "database_id"), ("kv_namespaces", "KV namespace", "id")):
        entries = config.get(table)
        said = {entry.get("binding"): entry.get(field) for entry in entries} if isinstance(entries, list) else {}
        for (kind, identity), name in _identities(one):
            if kind == word and said.get(name) not in (None, identity):
                what = f"{one.worker} runs in staging with {name} bound to {identity}; the file says {said[name]}"
                yield worker.finding(rules.LIVE_DIFFERS, (), what, "cattlegrid deploy")


def _identities(one: Running) -> Iterator[tuple[tuple[str, str], str]]:
    for binding in one.bindings:
        word, field = _IDENTITY.get(str(binding.get("type")), ("", ""))
        if field and binding.get(field):
            yield (word, str(binding[field])), str(binding.get("name", ""))
