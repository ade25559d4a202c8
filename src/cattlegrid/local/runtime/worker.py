"""The configuration of one version's process. What the local Cloudflare cannot serve is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cattlegrid.local.runtime import assets, capnp, simulators
from cattlegrid.local.runtime.capnp import VOID, Value
from cattlegrid.local.runtime.version import Module, ScriptError, WorkerVersion

_HERE: Final = Path(__file__).parent
_KINDS: Final = {
    "application/javascript+module": "esModule",
    "application/javascript": "commonJsModule",
    "text/javascript+module": "esModule",
    "application/wasm": "wasm",
    "text/plain": "text",
    "application/octet-stream": "data",
    "application/json": "json",
}
_TEXT_KINDS: Final = frozenset({"esModule", "commonJsModule", "text", "json"})
SOURCE_MAP: Final = "application/source-map"


@dataclass(frozen=True)
class Place:
    """Where a process finds the others: `sockets` is its own folder; `storage` and `broker` are theirs.

    `tailed`: somebody follows what the Worker logs, which costs it a third of its speed.
    """

    miniflare: Path
    sockets: Path
    actors: Path | None
    storage: Callable[[str], Path]
    broker: Path
    tailed: bool = False


@dataclass(frozen=True)
class Configured:
    """`config` is the file's text, `environment` holds the secrets that the text only names."""

    config: str
    environment: Mapping[str, str]


def configure(version: WorkerVersion, place: Place) -> Configured:
    """Sockets `http`, where requests go in, and `door` for other events. Raises ScriptError."""
    wiring = _Wiring(version, place)
    services = [wiring.user(), *wiring.beside()]
    front = "user"
    extensions: list[Value] = []
    if version.assets is not None:
        extensions.append({"modules": simulators.extensions(place.miniflare / "dist" / "src" / "workers")})
        services += assets.services(version, version.assets, place.miniflare)
        front = "assets:router"
    services += wiring.others
    listeners: list[Value] = [
        capnp.socket("http", place.sockets / "http.sock", front, {"cfBlobHeader": "CF-Blob"}),
        capnp.socket("door", place.sockets / "door.sock", "door"),
    ]
    return Configured(capnp.config(services, listeners, extensions), wiring.environment)


def configure_inspection(version: WorkerVersion, place: Place) -> Configured:
    """The same modules under a main module that tells which handlers the script has, on socket `handlers`."""
    wiring = _Wiring(version, place)
    main = (_HERE / "handlers.js").read_text().replace("USER_MAIN", f"./{version.main_module}")
    modules: list[Value] = [{"name": "cattlegrid-handlers.js", "esModule": main}, *wiring.modules()]
    worker = {**wiring.runtime(), "modules": modules, "bindings": wiring.bindings()}
    services: list[Value] = [{"name": "user", "worker": worker}, _internet(), *wiring.others]
    listener = capnp.socket("handlers", place.sockets / "handlers.sock", "user")
    return Configured(capnp.config(services, [listener]), wiring.environment)


def front_service(version: WorkerVersion) -> str:
    return "assets:router" if version.assets is not None else "user"


class _Wiring:
    """Collects the services that bindings need, and the secrets' values, while bindings are written."""

    def __init__(self, version: WorkerVersion, place: Place) -> None:
        self.version = version
        self.place = place
        self.others: list[Value] = []
        self.environment: dict[str, str] = {}
        self._named: set[str] = set()

    def user(self) -> Value:
        if self.version.main_module is None:
            empty = "export default { fetch: () => new Response(null, { status: 404 }) };"
            worker: dict[str, Value] = {
                "compatibilityDate": self.version.compatibility_date,
                "modules": [{"name": "none.js", "esModule": empty}],
            }
            return {"name": "user", "worker": worker}
        worker = {**self.runtime(), **self._code(), "bindings": self.bindings(), **self._actors()}
        return {"name": "user", "worker": {**worker, **({"tails": ["tail"]} if self.place.tailed else {})}}

    def beside(self) -> list[Value]:
        door: Value = {
            "name": "door",
            "worker": {
                "compatibilityDate": "2026-01-01",
                "compatibilityFlags": ["experimental", "service_binding_extra_handlers"],
                "modules": [{"name": "door.js", "esModule": capnp.embed(_HERE / "door.js")}],
                "bindings": [{"name": "USER", "service": "user"}],
            },
        }
        disk: list[Value] = []
        if self.version.actors and self.place.actors is not None:
            disk = [{"name": "actors", "disk": {"path": str(self.place.actors), "writable": True}}]
        return [door, _internet(), *disk, *([self._tail()] if self.place.tailed else [])]

    def _tail(self) -> Value:
        self._external("broker", self.place.broker, [])
        bindings: Value = [
            {"name": "BROKER", "service": "broker"},
            {"name": "SCRIPT", "text": self.version.script},
            {"name": "VERSION", "text": self.version.version_id},
        ]
        modules: Value = [{"name": "tail.js", "esModule": capnp.embed(_HERE / "tail.js")}]
        worker: Value = {"compatibilityDate": "2026-01-01", "modules": modules, "bindings": bindings}
        return {"name": "tail", "worker": worker}

    def runtime(self) -> dict[str, Value]:
        return {
            "compatibilityDate": self.version.compatibility_date,
            "compatibilityFlags": list(self.version.compatibility_flags),
            "globalOutbound": "internet",
        }

    def modules(self) -> list[Value]:
        main = self.version.main_module
        ordered = sorted(self.version.modules, key=lambda module: module.name != main)
        return [_module(module) for module in ordered if module.content_type != SOURCE_MAP]

    def bindings(self) -> list[Value]:
        return [self._binding(binding) for binding in self.version.bindings]

    def _code(self) -> dict[str, Value]:
        return {"modules": self.modules()}

    def _actors(self) -> dict[str, Value]:
        if not self.version.actors:
            return {}
        namespaces: list[Value] = [
            {"className": actor.class_name, "uniqueKey": actor.namespace_id, "enableSql": actor.sqlite}
            for actor in self.version.actors
        ]
        storage: Value = {"localDisk": "actors"} if self.place.actors is not None else {"inMemory": VOID}
        return {"durableObjectNamespaces": namespaces, "durableObjectStorage": storage}

    def _binding(self, binding: Mapping[str, Any]) -> Value:
        kind = str(binding["type"])
        if kind not in _BINDINGS:
            raise ScriptError(
                f"binding {binding['name']!r} is of type {kind!r}, which the local Cloudflare does not serve"
            )
        return {"name": str(binding["name"]), **_BINDINGS[kind](self, binding)}

    def plain(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        return {"text": str(binding["text"])}

    def secret(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        variable = f"SECRET_{len(self.environment)}"
        self.environment[variable] = str(binding["text"])
        return {"fromEnvironment": variable}

    def json(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        return {"json": json.dumps(binding["json"])}

    def metadata(self, binding: Mapping[str, Any]) -> dict[str, Value]:  # noqa: ARG002 - every binding is given itself
        version = self.version
        known = {"id": version.version_id, "tag": version.tag, "timestamp": version.created_on}
        return {"json": json.dumps(known)}

    def d1(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        inner: Value = [{"name": "fetcher", "service": self._stored(simulators.GATE, str(binding["id"]))}]
        return {"wrapped": {"moduleName": "cloudflare-internal:d1-api", "innerBindings": inner}}

    def kv(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        return {"kvNamespace": self._stored("kv", str(binding["namespace_id"]))}

    def r2(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        return {"r2Bucket": self._stored("r2", str(binding["bucket_name"]))}

    def queue(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        name = f"queue:{binding['queue_name']}"
        delay = str(binding.get("delivery_delay") or 0)
        headers: Value = [
            {"name": "MF-Queue-Name", "value": str(binding["queue_name"])},
            {"name": "MF-Queue-Delay", "value": delay},
        ]
        self._external(name, self.place.broker, headers)
        return {"queue": name}

    def actor(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        owner = str(binding.get("script_name") or self.version.script)
        if owner != self.version.script:
            raise ScriptError(
                f"binding {binding['name']!r} names a Durable Object class of another Worker ({owner}),"
                " which the local Cloudflare does not serve"
            )
        return {"durableObjectNamespace": {"className": str(binding["class_name"])}}

    def service(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        props = {"script": str(binding["service"]), "entrypoint": binding.get("entrypoint") or None}
        self._external("resolve", self.place.broker, [])
        self._once(
            "service",
            {
                "name": "service",
                "worker": {
                    "compatibilityDate": "2026-01-01",
                    "compatibilityFlags": ["experimental"],
                    "modules": [{"name": "service.js", "esModule": capnp.embed(_HERE / "service.js")}],
                    "bindings": [
                        {"name": "RESOLVE", "service": "resolve"},
                        {"name": "DEBUG", "workerdDebugPort": VOID},
                    ],
                },
            },
        )
        return {"service": {"name": "service", "props": {"json": json.dumps(props)}}}

    def assets(self, binding: Mapping[str, Any]) -> dict[str, Value]:
        if self.version.assets is None:
            raise ScriptError(f"binding {binding['name']!r} is for static assets, and the version has none")
        return {"service": "assets:worker"}

    def _stored(self, kind: str, namespace: str) -> str:
        name = f"{kind}:{namespace}"
        self._external(name, self.place.storage(kind), [{"name": simulators.NAMESPACE, "value": namespace}])
        return name

    def _external(self, name: str, socket: Path, headers: Value) -> None:
        http: Value = {"injectRequestHeaders": headers}
        self._once(name, {"name": name, "external": {"address": f"unix:{socket}", "http": http}})

    def _once(self, name: str, service: Value) -> None:
        if name not in self._named:
            self._named.add(name)
            self.others.append(service)


_BINDINGS: Final[Mapping[str, Callable[[_Wiring, Mapping[str, Any]], dict[str, Value]]]] = {
    "assets": _Wiring.assets,
    "d1": _Wiring.d1,
    "durable_object_namespace": _Wiring.actor,
    "json": _Wiring.json,
    "kv_namespace": _Wiring.kv,
    "plain_text": _Wiring.plain,
    "queue": _Wiring.queue,
    "r2_bucket": _Wiring.r2,
    "secret_text": _Wiring.secret,
    "service": _Wiring.service,
    "version_metadata": _Wiring.metadata,
}


def _module(module: Module) -> Value:
    kind = _KINDS.get(module.content_type.partition(";")[0].strip())
    if kind is None:
        raise ScriptError(f"module {module.name!r} is of type {module.content_type!r}, which is not served locally")
    if kind in _TEXT_KINDS:
        try:
            return {"name": module.name, kind: module.path.read_text("utf-8")}
        except UnicodeDecodeError as error:
            raise ScriptError(f"module {module.name!r} is not UTF-8 (byte {error.start})") from error
    return {"name": module.name, kind: capnp.embed(module.path)}


def _internet() -> Value:
    """Outgoing requests may also reach this machine: here that is where the services under test run."""
    return {
        "name": "internet",
        "network": {"allow": ["public", "private", "local"], "tlsOptions": {"trustBrowserCas": True}},
    }
