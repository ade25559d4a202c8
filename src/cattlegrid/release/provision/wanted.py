"""What the wrangler files ask for in one environment: databases, namespaces, buckets and queues."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from cattlegrid.cloudflare.resources import Kind
from cattlegrid.model.target import Database, Deployable
from cattlegrid.wrangler.spans import Path as Place


@dataclass(frozen=True)
class Use:
    """Where a worker asks for a resource. `place` is where its id belongs in the file; empty when none does."""

    worker: str
    binding: str
    file: str
    place: Place = ()


@dataclass(frozen=True)
class Wanted:
    """One resource: `name` on Cloudflare, `id` as the files have it (empty for none, or for a placeholder).

    `twin` is what the same binding holds in the other environment. `database` is set for a D1 database.
    """

    kind: Kind
    name: str
    id: str
    uses: tuple[Use, ...]
    twin: str = ""
    jurisdiction: str = ""
    database: Database | None = None


# Kinds that cattlegrid does not create: (key of the wrangler file, what to call it).
_BY_HAND: Final = {
    "hyperdrive": "Hyperdrive configuration",
    "vectorize": "Vectorize index",
    "pipelines": "pipeline",
    "mtls_certificates": "mTLS certificate",
    "dispatch_namespaces": "dispatch namespace",
    "secrets_store_secrets": "Secrets Store secret",
}
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_ZEROS: Final = 24  # of 32 digits: nobody's id, but an example's


def wanted(here: Mapping[str, Deployable], there: Mapping[str, Deployable]) -> tuple[Wanted, ...]:
    """In the files' order; what two workers share is one. `there` are the same workers in the other environment."""
    found: dict[tuple[Kind, str], Wanted] = {}
    shared: dict[tuple[Kind, str], str] = {}
    for name, worker in here.items():
        for one in _of_worker(worker, there.get(name)):
            named = one
            # Two bindings that hold the same thing in the other environment hold the same thing here too.
            if not one.id and one.twin:
                named = replace(one, name=shared.setdefault((one.kind, one.twin), one.name))
            key = (named.kind, named.id or named.name)
            known = found.get(key)
            found[key] = named if known is None else replace(known, uses=(*known.uses, *named.uses))
    return tuple(found.values())


def by_hand(here: Mapping[str, Deployable]) -> tuple[str, ...]:
    """Bindings to what cattlegrid does not create, in a person's words."""
    return tuple(
        f"{name}.{entry.get('binding')}: a {what} is not created by cattlegrid"
        for name, worker in here.items()
        for key, what in _BY_HAND.items()
        for entry in _tables(worker.config.get(key))
    )


def _of_worker(worker: Deployable, twin: Deployable | None) -> Iterator[Wanted]:
    prefix: Place = () if worker.environment_flag is None else ("env", worker.environment_flag)
    other = twin.config if twin is not None else {}
    yield from _databases(worker, prefix, other)
    yield from _namespaces(worker, prefix, other)
    yield from _buckets(worker, prefix, other)
    yield from _queues(worker, other)


def _databases(worker: Deployable, prefix: Place, other: Mapping[str, object]) -> Iterator[Wanted]:
    entries = _tables(worker.config.get("d1_databases"))
    for index, (entry, database) in enumerate(zip(entries, worker.databases, strict=True)):
        twin = _twin(other.get("d1_databases"), database.binding)
        use = Use(worker.worker.name, database.binding, worker.worker.config, (*prefix, "d1_databases", index, _ID))
        yield Wanted(
            Kind.D1,
            database.name or _named(worker, database.binding),
            real_id(Kind.D1, database.id),
            (use,),
            real_id(Kind.D1, str(twin.get("database_id", ""))),
            str(entry.get("jurisdiction", "")),
            database,
        )


_ID: Final = "database_id"


def _namespaces(worker: Deployable, prefix: Place, other: Mapping[str, object]) -> Iterator[Wanted]:
    for index, entry in enumerate(_tables(worker.config.get("kv_namespaces"))):
        binding = str(entry.get("binding"))
        twin = _twin(other.get("kv_namespaces"), binding)
        use = Use(worker.worker.name, binding, worker.worker.config, (*prefix, "kv_namespaces", index, "id"))
        yield Wanted(
            Kind.KV,
            _named(worker, binding),
            real_id(Kind.KV, str(entry.get("id", ""))),
            (use,),
            real_id(Kind.KV, str(twin.get("id", ""))),
        )


def _buckets(worker: Deployable, prefix: Place, other: Mapping[str, object]) -> Iterator[Wanted]:
    for index, entry in enumerate(_tables(worker.config.get("r2_buckets"))):
        binding, name = str(entry.get("binding")), str(entry.get("bucket_name", ""))
        place = () if name else (*prefix, "r2_buckets", index, "bucket_name")
        yield Wanted(
            Kind.R2,
            name or _named(worker, binding),
            name,
            (Use(worker.worker.name, binding, worker.worker.config, place),),
            str(_twin(other.get("r2_buckets"), binding).get("bucket_name", "")),
            str(entry.get("jurisdiction", "")),
        )


def _queues(worker: Deployable, other: Mapping[str, object]) -> Iterator[Wanted]:
    """Produced, consumed, and for dead letters: each by its name. The twin is the one at the same place in the file."""
    ours, theirs = _queue_names(worker.config), dict(_queue_names(other))
    for (what, key), name in ours:
        yield Wanted(
            Kind.QUEUE, name, name, (Use(worker.worker.name, what, worker.worker.config),), theirs.get((what, key), "")
        )


def _queue_names(config: Mapping[str, object]) -> list[tuple[tuple[str, str], str]]:
    queues = config.get("queues")
    part = queues if isinstance(queues, Mapping) else {}
    found = [((str(entry.get("binding")), ""), str(entry["queue"])) for entry in _tables(part.get("producers"))]
    for index, entry in enumerate(_tables(part.get("consumers"))):
        found.append((("consumer", str(index)), str(entry["queue"])))
        if entry.get("dead_letter_queue"):
            found.append((("dead letters", str(index)), str(entry["dead_letter_queue"])))
    return found


def real_id(kind: Kind, text: str) -> str:
    """The id, or nothing when it is a placeholder: no id's form, or nearly all zeros."""
    form = _UUID if kind is Kind.D1 else _HEX
    return text if form.fullmatch(text) and text.count("0") < _ZEROS else ""


def _named(worker: Deployable, binding: str) -> str:
    """As wrangler itself names what it creates for a binding without an id."""
    return f"{worker.script}-{binding.lower().replace('_', '-')}"


def _twin(entries: object, binding: str) -> Mapping[str, object]:
    return next((entry for entry in _tables(entries) if entry.get("binding") == binding), {})


def _tables(value: object) -> list[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
