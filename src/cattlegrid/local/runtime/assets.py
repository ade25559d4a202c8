"""Static assets: Cloudflare's own asset and router workers, as Miniflare ships them, in front of the user's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cattlegrid.local.runtime import capnp
from cattlegrid.local.runtime.capnp import Value
from cattlegrid.local.runtime.version import Assets, WorkerVersion

_HASH_BYTES: Final = 16
_HEADER: Final = bytes(20)
_ENTRY_TAIL: Final = bytes(8)


def services(version: WorkerVersion, assets: Assets, miniflare: Path) -> list[Value]:
    """Four services; requests go in at `assets:router`, the user's binding at `assets:worker`."""
    workers = miniflare / "dist" / "src" / "workers"
    has_user = version.main_module is not None
    first = assets.config.get("run_worker_first")
    routing = {"static_routing": _static(first)} if isinstance(first, list) else {}
    ahead = {"invoke_user_worker_ahead_of_assets": True} if first is True else {}
    router_config = {"has_user_worker": has_user, **ahead, **routing}
    asset_config = {
        "compatibility_date": version.compatibility_date,
        "compatibility_flags": list(version.compatibility_flags),
        **{key: assets.config[key] for key in ("html_handling", "not_found_handling") if key in assets.config},
        "has_static_routing": bool(routing),
    }
    manifest, reverse = _manifest(assets)
    router_bindings: list[Value] = [
        {"name": "ASSET_WORKER", "service": "assets:worker"},
        {"name": "CONFIG", "json": json.dumps(router_config)},
    ]
    if has_user:
        router_bindings.append({"name": "USER_WORKER", "service": "user"})
    return [
        {"name": "assets:disk", "disk": {"path": str(assets.blobs), "writable": False}},
        _worker("assets:kv", workers / "assets/assets-kv.worker.js", ["nodejs_compat"], _kv_bindings(reverse)),
        _worker(
            "assets:worker",
            workers / "assets/assets.worker.js",
            ["nodejs_compat", "enable_ctx_exports"],
            [
                {"name": "ASSETS_KV_NAMESPACE", "kvNamespace": "assets:kv"},
                {"name": "ASSETS_MANIFEST", "data": capnp.data(manifest)},
                {"name": "CONFIG", "json": json.dumps(asset_config)},
            ],
        ),
        _worker(
            "assets:router",
            workers / "assets/router.worker.js",
            ["nodejs_compat", "no_nodejs_compat_v2", "enable_ctx_exports"],
            router_bindings,
        ),
    ]


def _kv_bindings(reverse: Mapping[str, object]) -> list[Value]:
    return [
        {"name": "MINIFLARE_BLOBS", "service": "assets:disk"},
        {"name": "ASSETS_REVERSE_MAP", "json": json.dumps(reverse)},
    ]


def _worker(name: str, script: Path, flags: list[str], bindings: list[Value]) -> Value:
    return {
        "name": name,
        "worker": {
            "compatibilityDate": "2024-07-31",
            "compatibilityFlags": flags,
            "modules": [{"name": script.name, "esModule": capnp.embed(script)}],
            "bindings": bindings,
        },
    }


def _manifest(assets: Assets) -> tuple[bytes, dict[str, Any]]:
    """The asset worker's binary manifest (sorted path hash, content hash) and what lies behind each content hash."""
    entries = []
    reverse: dict[str, Any] = {}
    for path, blob in assets.manifest.items():
        content = hashlib.sha256(f"{path}\0{blob}".encode()).digest()[:_HASH_BYTES]
        entries.append((hashlib.sha256(path.encode()).digest()[:_HASH_BYTES], content))
        reverse[content.hex()] = {"filePath": blob, "contentType": assets.content_types.get(path)}
    return _HEADER + b"".join(path + content + _ENTRY_TAIL for path, content in sorted(entries)), reverse


def _static(rules: list[Any]) -> dict[str, list[str]]:
    user = [str(rule) for rule in rules if not str(rule).startswith("!")]
    return {"user_worker": user, "asset_worker": [str(rule)[1:] for rule in rules if str(rule).startswith("!")]}
