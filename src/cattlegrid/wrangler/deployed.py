"""A Worker's bindings as its file asks for them and as Cloudflare's API tells them, in one form that compares.

Source of the API's types and fields: `createWorkerUploadForm` in wrangler 4.164.0 (wrangler-dist/cli.js). A test fails
when a kind of binding that resources.py knows has no row here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cattlegrid.wrangler.resources import KINDS, UNSAFE, WORKER, Config, Path, entries

VARIABLE: Final = "variable"
# What wrangler sends as bindings and no file asks for by name: modules of old Workers, and values that nobody may read.
_NOT_ASKED_FOR: Final = frozenset({"data_blob", "inherit", "secret_key", "secret_text", "text_blob", "wasm_module"})
SITES: Final = "__STATIC_CONTENT"
"""How the bindings begin that wrangler adds by itself for Workers Sites."""


@dataclass(frozen=True)
class Shape:
    """A kind of binding: its `key` in the wrangler file, and the fields that name the resource there and in the API.

    Of several fields the first that is there counts. None: the binding names nothing.
    """

    key: str
    file: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    word: str = ""


SHAPES: Final[Mapping[str, Shape]] = {
    "agent_memory": Shape("agent_memory", ("namespace",)),
    "ai": Shape("ai"),
    "ai_search": Shape("ai_search", ("instance_name",)),
    "ai_search_namespace": Shape("ai_search_namespaces", ("namespace",)),
    "analytics": Shape("analytics"),
    "analytics_engine": Shape("analytics_engine_datasets", ("dataset",)),
    "artifacts": Shape("artifacts", ("namespace",)),
    "assets": Shape("assets"),
    "browser": Shape("browser"),
    "d1": Shape("d1_databases", ("database_id",), ("id", "database_id")),
    "dispatch_namespace": Shape("dispatch_namespaces", ("namespace",)),
    "durable_object_namespace": Shape("durable_objects.bindings", ("class_name",), word="Durable Object class"),
    "flagship": Shape("flagship", ("app_id",)),
    "hyperdrive": Shape("hyperdrive", ("id",)),
    "images": Shape("images"),
    "k2": Shape("k2", ("stream",)),
    "kv_namespace": Shape("kv_namespaces", ("id",), ("namespace_id",)),
    "logfwdr": Shape("logfwdr.bindings", ("destination",)),
    "media": Shape("media"),
    "mtls_certificate": Shape("mtls_certificates", ("certificate_id",)),
    "pipelines": Shape("pipelines", ("stream", "pipeline")),
    "queue": Shape("queues.producers", ("queue",), ("queue_name",)),
    "r2_bucket": Shape("r2_buckets", ("bucket_name",)),
    "ratelimit": Shape("ratelimits", ("namespace_id",)),
    "secrets_store_secret": Shape("secrets_store_secrets", ("secret_name",)),
    "send_email": Shape("send_email", ("destination_address",), word="address"),
    "service": Shape("services", ("service",)),
    "stream": Shape("stream"),
    "unsafe_hello_world": Shape("unsafe_hello_world"),
    "vectorize": Shape("vectorize", ("index_name",)),
    "version_metadata": Shape("version_metadata"),
    "vpc_network": Shape("vpc_networks", ("tunnel_id", "network_id")),
    "vpc_service": Shape("vpc_services", ("service_id",)),
    "worker_loader": Shape("worker_loaders"),
    "workflow": Shape("workflows", ("name",), ("workflow_name",)),
}
_WORDS: Final = {kind.key: kind.word for kind in KINDS}
# Words of what staging and production may not have in common.
ACCOUNTS: Final = frozenset(kind.word for kind in KINDS if kind.word) - {UNSAFE}


@dataclass(frozen=True)
class Bound:
    """What a binding leads to: the API's type, our word for it, and which one; `identity` is empty when nothing names
    it. Of a variable it is the value as JSON, which is not for showing. `script`: the Worker whose class it is. `path`:
    where the file says it.
    """

    type: str
    word: str
    identity: str = ""
    script: str = ""
    path: Path = ()

    @property
    def keys(self) -> Iterator[tuple[str, str]]:
        """What it uses of the account, as (word, identity)."""
        if self.identity and self.word in ACCOUNTS:
            yield self.word, self.identity
        if self.script:
            yield WORKER, self.script


def asked(config: Config) -> dict[str, Bound]:
    """By the code's name for it: every binding and variable of a resolved configuration."""
    found: dict[str, Bound] = {}
    for type_, shape in SHAPES.items():
        for path, entry in entries(config, shape.key):
            name = entry.get("binding") or entry.get("name")
            if isinstance(name, str) and name:
                found[name] = _bound(type_, entry, shape.file, path)
    for path, entry in entries(config, "unsafe.bindings"):
        found[str(entry.get("name"))] = Bound(str(entry.get("type")), UNSAFE, path=path)
    variables = config.get("vars")
    for name, value in variables.items() if isinstance(variables, Mapping) else ():
        text = json.dumps(value, sort_keys=True)
        found[str(name)] = Bound("plain_text" if isinstance(value, str) else "json", VARIABLE, text, "", ("vars", name))
    return found


def held(bindings: Iterable[Mapping[str, object]], ours: Iterable[str] = ()) -> dict[str, Bound]:
    """The same of a version's bindings. `ours` are names that cattlegrid itself adds."""
    found = {}
    for binding in bindings:
        name, type_ = str(binding.get("name")), str(binding.get("type"))
        if type_ in _NOT_ASKED_FOR or name in ours:
            continue
        if type_ in ("plain_text", "json"):
            value = binding.get("text" if type_ == "plain_text" else "json")
            found[name] = Bound(type_, VARIABLE, json.dumps(value, sort_keys=True))
        elif type_ in SHAPES:
            found[name] = _bound(type_, binding, SHAPES[type_].api or SHAPES[type_].file, ())
        else:
            found[name] = Bound(type_, UNSAFE)
    return found


def _bound(type_: str, entry: Mapping[str, object], fields: tuple[str, ...], path: Path) -> Bound:
    shape = SHAPES[type_]
    word = shape.word or _WORDS.get(shape.key) or type_.replace("_", " ")
    identity = next((str(entry[field]) for field in fields if entry.get(field)), "")
    return Bound(type_, word, identity, str(entry.get("script_name") or ""), path)
