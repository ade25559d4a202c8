"""The storage workerd's configuration: Miniflare's own D1, KV and R2 objects, one service and socket for each.

The namespace arrives in the `MF-Namespace` header, so a new database, namespace or bucket needs no restart.
"""

from __future__ import annotations

from pathlib import Path

from cattlegrid.local.runtime import capnp
from cattlegrid.local.runtime.capnp import Value

KINDS = {
    "d1": ("D1DatabaseObject", "d1/database.worker.js"),
    "kv": ("KVNamespaceObject", "kv/namespace.worker.js"),
    "r2": ("R2BucketObject", "r2/bucket.worker.js"),
}
# Where Workers' D1 bindings go in; the control plane itself goes to `d1`.
GATE = "gate"
SOCKETS = (*KINDS, GATE)
NAMESPACE = "MF-Namespace"
_HERE = Path(__file__).parent
_DATE = "2026-01-01"
_FLAGS = ("nodejs_compat", "experimental")


def config(miniflare: Path, state: Path, sockets: Path) -> str:
    """`miniflare` is its package folder, `state` where the objects and blobs lie, `sockets` the sockets' folder."""
    workers = miniflare / "dist" / "src" / "workers"
    services: list[Value] = [{"name": "loop", "network": {"allow": []}}]
    for kind, (class_name, script) in KINDS.items():
        services += _services(kind, class_name, workers / script, workers / "shared/object-entry.worker.js", state)
    services.append(_worker(GATE, _HERE / "gate.js", [{"name": "D1", "service": "d1"}], {}))
    listeners = [capnp.socket(one, sockets / f"{one}.sock", one) for one in SOCKETS]
    return capnp.config(services, listeners, [{"modules": extensions(workers)}])


def unique_key(kind: str) -> str:
    return f"miniflare-{KINDS[kind][0]}"


def _services(kind: str, class_name: str, script: Path, entry: Path, state: Path) -> list[Value]:
    actor: Value = {"className": class_name, "serviceName": f"{kind}:object"}
    return [
        _worker(kind, entry, [{"name": "MINIFLARE_OBJECT", "durableObjectNamespace": actor}], {}),
        _worker(
            f"{kind}:object",
            script,
            [
                {"name": "MINIFLARE_BLOBS", "service": f"{kind}:blobs"},
                {"name": "MINIFLARE_LOOPBACK", "service": "loop"},
            ],
            {
                "durableObjectNamespaces": [
                    {"className": class_name, "uniqueKey": unique_key(kind), "enableSql": True},
                ],
                "durableObjectStorage": {"localDisk": f"{kind}:disk"},
            },
        ),
        {"name": f"{kind}:disk", "disk": {"path": str(state / kind), "writable": True}},
        {"name": f"{kind}:blobs", "disk": {"path": str(state / f"{kind}-blobs"), "writable": True}},
    ]


def _worker(name: str, script: Path, bindings: list[Value], more: dict[str, Value]) -> Value:
    return {
        "name": name,
        "worker": {
            "compatibilityDate": _DATE,
            "compatibilityFlags": list(_FLAGS),
            "modules": [{"name": script.name, "esModule": capnp.embed(script)}],
            "bindings": bindings,
            **more,
        },
    }


def extensions(workers: Path) -> list[Value]:
    return [
        {"name": "miniflare:shared", "esModule": capnp.embed(workers / "shared/index.worker.js")},
        {"name": "miniflare:zod", "esModule": capnp.embed(workers / "shared/zod.worker.js")},
    ]
