"""Which secrets a worker uses: as its settings list them, or else as its wrangler config and its code name them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Deployable

_CODE: Final = frozenset({".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".py", ".vue", ".svelte"})
_SKIPPED: Final = frozenset({"node_modules", ".wrangler", ".git", "dist", "test", "tests", "__tests__", ".venv"})
_LARGEST: Final = 2_000_000
_NAME: Final = r"[A-Z][A-Z0-9_]{2,}"
_DOTTED: Final = re.compile(rf"\b[eE]nv(?:ironment)?\??\.({_NAME})\b|\benv\[['\"]({_NAME})['\"]\]")
_TAKEN_APART: Final = re.compile(r"\{([^{}]*)\}\s*(?::\s*\w+\s*)?=\s*(?:[\w.]+\.)?env\b")


def needed(fleet: Fleet, deployable: Deployable, environment: Environment) -> tuple[str, ...]:
    """The names that this worker needs and that belong to this environment, in the order of `[secrets]`."""
    policy, worker = fleet.secrets, deployable.worker
    used = set(worker.secrets) or {*required(deployable), *in_code(deployable.folder)}
    if worker.auth is not None:
        used.add(worker.auth.secret)
    found = []
    for name in policy.names(environment):
        about = policy.of(name)
        if worker.name in about.workers:
            used.add(name)
        found += [one for one in (name, *about.aliases) if one in used]
    return tuple(found)


def second_slots(fleet: Fleet, names: Iterable[str]) -> tuple[str, ...]:
    """Where the worker accepts a second value of these, while they are being rotated."""
    return tuple(slot for name in names if (slot := fleet.secrets.of(fleet.secrets.canonical(name)).previous))


def required(deployable: Deployable) -> tuple[str, ...]:
    """wrangler's own `secrets.required`."""
    declared = deployable.config.get("secrets")
    names = declared.get("required") if isinstance(declared, Mapping) else None
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def undeclared(fleet: Fleet, deployable: Deployable) -> tuple[str, ...]:
    """Names that config or code use, and that are neither a binding nor in any list of `[secrets]`."""
    known = {name for environment in Environment for name in fleet.secrets.known(environment)}
    bound = set(_bindings(deployable.config))
    used = {*required(deployable), *in_code(deployable.folder)}
    return tuple(sorted(name for name in used if name not in known and name not in bound))


def in_code(folder: Path) -> frozenset[str]:
    """The names that the files of this folder read from `env`."""
    found: set[str] = set()
    for file in _files(folder):
        text = file.read_text("utf-8", "replace")
        found |= {one or other for one, other in _DOTTED.findall(text)}
        for names in _TAKEN_APART.findall(text):
            found |= {name for name in re.findall(_NAME, names) if re.search(rf"(?<![:\w])\s*\b{name}\b", names)}
    return frozenset(found)


def is_code(path: str) -> bool:
    """Whether a file of this name is read for the names that it uses."""
    name = path.rsplit("/", 1)[-1]
    test = ".test." in name or ".spec." in name or name.endswith(".d.ts")
    return os.path.splitext(name)[1] in _CODE and not test and not _SKIPPED & set(path.split("/"))  # noqa: PTH122


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        for name in names:
            file = Path(here, name)
            if is_code(name) and file.stat().st_size <= _LARGEST:
                yield file


def _bindings(node: object) -> Iterator[str]:
    """Every name under which wrangler's config binds something."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in {"vars", "wasm_modules", "text_blobs", "data_blobs", "define"} and isinstance(value, Mapping):
                yield from map(str, value)
            elif key in {"binding", "name"} and isinstance(value, str):
                yield value
            else:
                yield from _bindings(value)
    elif isinstance(node, list):
        for item in node:
            yield from _bindings(item)
