"""What a configuration uses of the account: every kind of binding that wrangler knows, and where it says which one.

Source: config-schema.json of wrangler 4.164.0. A test fails when the schema has a kind that has no row here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Config = Mapping[str, object]
Path = tuple[str | int, ...]


class Way(StrEnum):
    """How staging comes to a resource of its own."""

    RENAMED = "renamed"  # the file chooses its name: staging's is another
    FORGOTTEN = "forgotten"  # Cloudflare chooses its id: staging's entry has none until `provision` writes it
    SIBLING = "sibling"  # it is a Worker: staging's is the staging script of that Worker
    NUMBERED = "numbered"  # the file chooses a number
    LEFT_OUT = "left out"  # it cannot be doubled from a file alone: staging goes without, and a person is told
    COPIED = "copied"  # it names nothing that could be shared


@dataclass(frozen=True)
class Kind:
    """Entries at `key` (dotted) of a configuration. `ids` and `names` are the fields that say which resource; kinds of
    one `word` share their identities. `previews` are fields that only `wrangler dev --remote` uses. `make` is the
    command that makes one by hand, `{name}` its name.
    """

    key: str
    word: str
    way: Way
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    previews: tuple[str, ...] = ()
    make: str = ""


WORKER: Final = "Worker"
UNSAFE: Final = "unsafe binding"
KINDS: Final = (
    Kind("d1_databases", "D1 database", Way.FORGOTTEN, ("database_name",), ("database_id",), ("preview_database_id",)),
    Kind("kv_namespaces", "KV namespace", Way.FORGOTTEN, (), ("id",), ("preview_id",)),
    Kind("r2_buckets", "R2 bucket", Way.RENAMED, ("bucket_name",), (), ("preview_bucket_name",)),
    Kind("queues.producers", "queue", Way.RENAMED, ("queue",)),
    Kind("queues.consumers", "queue", Way.RENAMED, ("queue", "dead_letter_queue")),
    Kind(
        "vectorize", "Vectorize index", Way.RENAMED, ("index_name",), (), (),
        "wrangler vectorize create {name} --dimensions=… --metric=…",
    ),
    Kind("workflows", "workflow", Way.RENAMED, ("name",)),
    Kind("exports", "workflow", Way.RENAMED, ("name",)),
    Kind("containers", "container application", Way.RENAMED, ("name",)),
    Kind("analytics_engine_datasets", "Analytics Engine dataset", Way.RENAMED, ("dataset",)),
    Kind(
        "dispatch_namespaces", "dispatch namespace", Way.RENAMED, ("namespace",), (), (),
        "wrangler dispatch-namespace create {name}",
    ),
    Kind("ai_search_namespaces", "AI Search namespace", Way.RENAMED, ("namespace",)),
    Kind("ai_search", "AI Search instance", Way.RENAMED, ("instance_name",)),
    Kind("agent_memory", "agent memory namespace", Way.RENAMED, ("namespace",)),
    Kind("artifacts", "artifacts namespace", Way.RENAMED, ("namespace",)),
    Kind("ratelimits", "rate limit namespace", Way.NUMBERED, ("namespace_id",)),
    Kind("services", WORKER, Way.SIBLING, ("service",)),
    Kind("tail_consumers", WORKER, Way.SIBLING, ("service",)),
    Kind("streaming_tail_consumers", WORKER, Way.SIBLING, ("service",)),
    Kind("durable_objects.bindings", WORKER, Way.SIBLING, ("script_name",)),
    Kind(
        "hyperdrive", "Hyperdrive configuration", Way.LEFT_OUT, (), ("id",), (),
        "wrangler hyperdrive create {worker}-staging --connection-string=…",
    ),
    Kind(
        "mtls_certificates", "mTLS certificate", Way.LEFT_OUT, (), ("certificate_id",), (),
        "wrangler mtls-certificate upload --cert=… --key=… --name={worker}-staging",
    ),
    Kind(
        "secrets_store_secrets", "Secrets Store secret", Way.LEFT_OUT, ("secret_name",), (), (),
        "wrangler secrets-store secret create STORE-ID --name=…-staging --scopes=workers",
    ),
    Kind("pipelines", "pipeline", Way.LEFT_OUT, ("pipeline",), ("stream",), (), "wrangler pipelines setup"),
    Kind("k2", "stream", Way.LEFT_OUT, (), ("stream",)),
    Kind("flagship", "Flagship app", Way.LEFT_OUT, (), ("app_id",)),
    Kind("vpc_services", "VPC service", Way.LEFT_OUT, (), ("service_id",), (), "wrangler vpc service create …"),
    Kind("vpc_networks", "VPC network", Way.LEFT_OUT, (), ("tunnel_id", "network_id")),
    Kind("connect", "TCP or UDP listener", Way.LEFT_OUT, ("address",)),
    Kind("logfwdr.bindings", "log destination", Way.LEFT_OUT, ("destination",)),
    Kind("unsafe.bindings", UNSAFE, Way.LEFT_OUT),
    *(
        Kind(key, "", Way.COPIED)
        for key in (
            "ai", "analytics", "browser", "cloudchamber", "define", "images", "media", "secrets", "send_email",
            "stream", "unsafe_hello_world", "vars", "version_metadata", "worker_loaders",
        )
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Resource:
    """`identity` within `word`; `path` leads to where it is said; `binding` is the code's name for it."""

    word: str
    identity: str
    path: Path
    binding: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.word, self.identity)


def entries(config: Config, key: str) -> list[tuple[Path, dict[str, object]]]:
    """The tables at the dotted `key`, each with its path: of a list, of a table of tables, or the table itself."""
    found: object = config
    path = tuple(key.split("."))
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, list):
        return [((*path, index), item) for index, item in enumerate(found) if isinstance(item, dict)]
    if key == "exports" and isinstance(found, Mapping):
        return [((*path, name), item) for name, item in found.items() if isinstance(item, dict)]
    return [(path, found)] if isinstance(found, dict) else []


def resources(config: Config, *, previews: bool = False) -> Iterator[Resource]:
    """Everything that the configuration names in the account: the script itself, its routes, what it binds.

    With `previews`, also what only a remote development session would reach.
    """
    if isinstance(config.get("name"), str):
        yield Resource(WORKER, str(config["name"]), ("name",))
    for path, pattern in routes(config):
        if pattern:
            yield Resource("route", pattern, path)
    yield from _bound(config, (), previews=previews)
    inner = config.get("previews")
    if isinstance(inner, Mapping):
        yield from _bound(inner, ("previews",), previews=previews)


def routes(config: Config) -> Iterator[tuple[Path, str]]:
    """Patterns of routes and custom domains, as wrangler takes them: `routes` before `route`."""
    several = config.get("routes")
    if not isinstance(several, list):
        one = config.get("route")
        several = [one] if one is not None else []
        start: Path = ("route",)
        for route in several:
            yield start, pattern_of(route)
        return
    for index, route in enumerate(several):
        yield ("routes", index), pattern_of(route)


def pattern_of(route: object) -> str:
    """The pattern of a route in any of its forms, without scheme and closing slash."""
    pattern = str(route.get("pattern", "")) if isinstance(route, Mapping) else str(route)
    return pattern.removeprefix("https://").removeprefix("http://").rstrip("/").lower()


_NAMING: Final = tuple((kind, kind.key.partition(".")[0]) for kind in KINDS if kind.way is not Way.COPIED)


def naming(literals: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these hosts or ids in a text, as a whole: `staging.example.com` does not name `example.com`."""
    words = sorted((re.escape(word) for word in literals if word), key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(words)})(?![\w-])" if words else r"(?!)", re.IGNORECASE)


def _bound(config: Config, above: Path, *, previews: bool) -> Iterator[Resource]:
    for kind, top in _NAMING:
        for path, entry in entries(config, kind.key) if top in config else ():
            binding = str(entry.get("binding") or entry.get("name") or "")
            if kind.word == UNSAFE and set(entry) - {"name", "type", "dev"}:
                yield Resource(UNSAFE, unsafe_identity(entry), (*above, *path), binding)
            for field in (*kind.ids, *kind.names, *(kind.previews if previews else ())):
                if entry.get(field) not in (None, ""):
                    yield Resource(kind.word, str(entry[field]), (*above, *path, field), binding)
            if kind.key == "analytics_engine_datasets" and not entry.get("dataset") and binding:
                yield Resource(kind.word, binding, (*above, *path, "binding"), binding)
    yield from _scripts(config, above)


def unsafe_identity(entry: Config) -> str:
    """Whatever such a binding names: wrangler does not know its fields, nor do we."""
    return json.dumps({key: value for key, value in entry.items() if key not in {"name", "dev"}}, sort_keys=True)


def _scripts(config: Config, above: Path) -> Iterator[Resource]:
    """Workers that are named inside other bindings."""
    for path, entry in entries(config, "workflows"):
        if entry.get("script_name"):
            yield Resource(WORKER, str(entry["script_name"]), (*above, *path, "script_name"), str(entry["binding"]))
    for path, entry in entries(config, "dispatch_namespaces"):
        outbound = entry.get("outbound")
        if isinstance(outbound, Mapping) and outbound.get("service"):
            yield Resource(WORKER, str(outbound["service"]), (*above, *path, "outbound", "service"))
