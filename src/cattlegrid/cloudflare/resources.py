"""What Workers are bound to: D1 databases, KV namespaces, R2 buckets, queues. Names are unique in an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final
from urllib.parse import quote

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Body, Client, items_of
from cattlegrid.errors import ApiError


class Kind(StrEnum):
    D1 = "D1 database"
    KV = "KV namespace"
    R2 = "R2 bucket"
    QUEUE = "queue"


@dataclass(frozen=True)
class Traits:
    """Where a resource lies and how it is set. Empty means Cloudflare's default."""

    location: str = ""
    jurisdiction: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Resource:
    """`id` is what a binding holds: a uuid, a namespace's id, and for buckets and queues their name."""

    kind: Kind
    name: str
    id: str


@dataclass(frozen=True)
class _Api:
    path: str
    name: str
    id: str
    list_key: str | None = None


_APIS: Final[Mapping[Kind, _Api]] = {
    Kind.D1: _Api("/d1/database", "name", "uuid"),
    Kind.KV: _Api("/storage/kv/namespaces", "title", "id"),
    Kind.R2: _Api("/r2/buckets", "name", "name", "buckets"),
    Kind.QUEUE: _Api("/queues", "queue_name", "queue_name"),
}
_KEPT_OF_QUEUES: Final = ("delivery_delay", "message_retention_period")


def all_of(client: Client, kind: Kind, jurisdiction: str = "") -> dict[str, Resource]:
    """Every resource of the account, by name. Buckets are listed for one jurisdiction at a time."""
    api = _APIS[kind]
    found = _buckets(client, jurisdiction) if kind is Kind.R2 else list(client.pages(api.path, per_page=100))
    return {one.name: one for one in (_resource(kind, item) for item in found)}


def some_of(client: Client, kind: Kind, most: int) -> tuple[list[Resource], bool]:
    """The first `most` resources of the account as the API lists them, and whether there are more. Buckets: all."""
    api = _APIS[kind]
    if kind is Kind.R2:
        return list(all_of(client, kind).values()), False
    found = [_resource(kind, item) for item in islice(client.pages(api.path, per_page=100), most + 1)]
    return found[:most], len(found) > most


def create(client: Client, kind: Kind, name: str, traits: Traits) -> Resource:
    """Make it, once: after a lost answer the account is looked at, and what is there already is given back."""
    api = _APIS[kind]

    def there() -> Resource | None:
        return all_of(client, kind, traits.jurisdiction).get(name)

    try:
        return client.once(
            "POST",
            api.path,
            Body(json=_wanted(kind, name, traits)),
            headers=_headers(kind, traits),
            happened=there,
            read=lambda result: _resource(kind, reading.mapping(result, api.path)),
        )
    except ApiError as error:
        if error.number in _TAKEN and (found := there()) is not None:
            return found
        raise


def traits(client: Client, resource: Resource, jurisdiction: str = "") -> Traits:
    """Location and settings of a resource that exists."""
    match resource.kind:
        case Kind.D1:
            path = f"/d1/database/{quote(resource.id, safe='')}"
            found = reading.mapping(client.get(path), path)
            replication = reading.optional(reading.part(found, "read_replication"), "mode")
            return Traits(
                reading.optional(found, "running_in_region").lower(),
                reading.optional(found, "jurisdiction"),
                {"read_replication": {"mode": replication}} if replication not in ("", "disabled") else {},
            )
        case Kind.R2:
            found = next((one for one in _buckets(client, jurisdiction) if one.get("name") == resource.id), {})
            storage = reading.optional(found, "storage_class")
            kept: dict[str, object] = {"storageClass": storage} if storage not in ("", "Standard") else {}
            return Traits(reading.optional(found, "location").lower(), jurisdiction, kept)
        case Kind.QUEUE:
            found = next((one for one in client.pages("/queues") if one.get("queue_name") == resource.id), {})
            settings = reading.part(found, "settings")
            return Traits(settings={name: settings[name] for name in _KEPT_OF_QUEUES if name in settings})
        case Kind.KV:
            return Traits()


def set_replication(client: Client, database_id: str, settings: Mapping[str, object]) -> None:
    """Read replication of a database, which cannot be given when it is made."""
    client.call("PUT", f"/d1/database/{database_id}", body=Body(json=dict(settings)))


_TAKEN: Final = frozenset({7502, 10014, 10004, 11009})


def _wanted(kind: Kind, name: str, traits: Traits) -> dict[str, object]:
    named: dict[str, object] = {_APIS[kind].name: name}
    match kind:
        case Kind.D1:
            # A jurisdiction decides the place; a hint beside it is refused.
            if traits.jurisdiction:
                return {**named, "jurisdiction": traits.jurisdiction}
            return {**named, "primary_location_hint": traits.location} if traits.location else named
        case Kind.R2:
            place: dict[str, object] = {"locationHint": traits.location} if traits.location else {}
            return {**named, **place, **traits.settings}
        case Kind.QUEUE:
            return {**named, "settings": dict(traits.settings)} if traits.settings else named
        case Kind.KV:
            return named


def _headers(kind: Kind, traits: Traits) -> dict[str, str]:
    if kind is Kind.R2 and traits.jurisdiction:
        return {"cf-r2-jurisdiction": traits.jurisdiction}
    return {}


def _resource(kind: Kind, item: Mapping[str, object]) -> Resource:
    api = _APIS[kind]
    return Resource(kind, reading.text(item, api.name, api.path), reading.text(item, api.id, api.path))


def _buckets(client: Client, jurisdiction: str) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    query: dict[str, str | int] = {"per_page": 1000}
    headers = {"cf-r2-jurisdiction": jurisdiction} if jurisdiction else {}
    while True:
        answer = client.call("GET", "/r2/buckets", query=query, headers=headers)
        found += items_of(answer.result, "buckets")
        cursor = answer.info.get("cursor")
        if not isinstance(cursor, str) or not cursor:
            return found
        query["cursor"] = cursor
