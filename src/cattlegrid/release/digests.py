"""The three digests that say what a version is: code, configuration, schema. SHA-256, in hex."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from cattlegrid.database import migrations
from cattlegrid.database.migrations import Migration
from cattlegrid.model.target import Deployable
from cattlegrid.model.version import Module

# What wrangler uses on this machine only, or what code and the account already say.
_NOT_CONFIG: Final = frozenset({"account_id", "build", "dependencies_instrumentation", "dev", "send_metrics"})
_SCRIPTS: Final = (".js", ".mjs", ".cjs")

# esbuild heads each file with a comment that names it, relative to the worker: for a module of wrangler's own (unenv)
# that is wherever wrangler is installed. Without this, two machines would give one worker two digests.
_INSTALLED_SOMEWHERE: Final = re.compile(rb"^(\s*)// (?:\.\./)+(?:[^\s/]+/)*?node_modules/", re.MULTILINE)


def code(modules: Iterable[Module], assets: Mapping[str, str] | None = None) -> str:
    """The code of a version: names and bytes of its modules, without source maps, and its static assets (path: digest).

    The same for modules that were just built and for those that Cloudflare gives back.
    """
    whole = hashlib.sha256()
    for name, content in sorted(_code_modules(modules)):
        _add(whole, name.encode(), content)
    for path, digest in sorted((assets or {}).items()):
        _add(whole, b"asset", path.encode("utf-8", "surrogateescape"), digest.encode())
    return whole.hexdigest()


def config(deployable: Deployable, *, promoted_as: Deployable | None = None) -> str:
    """The resolved configuration of a worker in one environment, with the names of its secrets and no values.

    For staging, `promoted_as` is the same worker in production: a change of production's block alone makes a new
    candidate, or it would never get there.
    """
    document = {"config": _resolved(deployable), "secrets": sorted(deployable.worker.secrets)}
    if promoted_as is not None:
        document["promoted_as"] = _resolved(promoted_as)
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def _resolved(deployable: Deployable) -> dict[str, object]:
    return {key: value for key, value in deployable.config.items() if key not in _NOT_CONFIG}


def schema(deployable: Deployable) -> str:
    """The migrations of the worker's databases: per binding their names and contents, in order."""
    return of_migrations({database.binding: migrations.read(database) for database in deployable.databases})


def of_migrations(by_binding: Mapping[str, Iterable[Migration]]) -> str:
    named = {binding: [[found.name, found.digest] for found in listed] for binding, listed in by_binding.items()}
    return hashlib.sha256(canonical(named).encode()).hexdigest()


def canonical(value: object) -> str:
    """JSON with sorted keys and without spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _code_modules(modules: Iterable[Module]) -> Iterable[tuple[str, bytes]]:
    for module in modules:
        name = module.name.removeprefix("./")
        if name.endswith(".map") or module.content_type == "application/source-map":
            continue
        script = name.endswith(_SCRIPTS) or module.content_type.startswith("application/javascript")
        yield name, _INSTALLED_SOMEWHERE.sub(rb"\1// node_modules/", module.content) if script else module.content


def _add(whole: hashlib._Hash, *fields: bytes) -> None:
    for field in fields:
        whole.update(len(field).to_bytes(8, "big"))
        whole.update(field)
