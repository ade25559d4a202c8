"""What a tsconfig.json brings in from elsewhere: the files it extends, and the folders that its `paths` lead to."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from functools import cache
from typing import cast

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.git.paths import join
from cattlegrid.git.snapshot import Snapshot
from cattlegrid.wrangler import jsonc

Reference = tuple[str, str]  # a path in the repository, and why it belongs to the worker


def references(snapshot: Snapshot, path: str, packages: Mapping[str, str]) -> Iterator[Reference]:
    """What the tsconfig at `path` names outside itself, through every file it extends.

    `packages` are the repository's own packages, name to folder: a tsconfig may extend one of them.
    """
    waiting, seen = [path], {path}
    while waiting:
        here = waiting.pop()
        raw = snapshot.content(here) or b""
        if b'"extends"' not in raw and b'"paths"' not in raw:
            continue
        config = _parsed(raw, here)
        for base in _extended(snapshot, config, here, packages):
            if base not in seen:
                seen.add(base)
                waiting.append(base)
                yield base, f"{here} extends it"
        for folder in _mapped(config, here):
            yield folder, f"paths in {here} lead to it"


def _extended(
    snapshot: Snapshot, config: Mapping[str, object], path: str, packages: Mapping[str, str]
) -> Iterator[str]:
    extends = config.get("extends", [])
    for name in extends if isinstance(extends, list) else [extends]:
        if not isinstance(name, str):
            continue
        target = _in_package(name, packages) if not name.startswith(".") else join(posixpath.dirname(path), name)
        if target is None:
            continue
        candidates = (target, f"{target}.json", posixpath.join(target, "tsconfig.json"))
        yield next((path for path in candidates if snapshot.content(path) is not None), target)


def _in_package(name: str, packages: Mapping[str, str]) -> str | None:
    parts = name.split("/")
    length = 2 if name.startswith("@") else 1
    folder = packages.get("/".join(parts[:length]))
    return None if folder is None else posixpath.join(folder, *parts[length:])


def _mapped(config: Mapping[str, object], path: str) -> Iterator[str]:
    options = config.get("compilerOptions")
    if not isinstance(options, Mapping) or not isinstance(options.get("paths"), Mapping):
        return
    base = join(posixpath.dirname(path), str(options.get("baseUrl", ".")))
    for targets in cast("Mapping[str, object]", options["paths"]).values():
        for target in targets if isinstance(targets, list) else []:
            found = None if base is None else join(base, str(target).split("*", 1)[0])
            if found:
                yield found


def _parsed(raw: bytes, path: str) -> Mapping[str, object]:
    try:
        return _loaded(raw)
    except json.JSONDecodeError as error:
        what = f"is not valid JSON: {error.msg} (at line {error.lineno}, column {error.colno})"
        raise ConfigError((Mistake(path, "", what),)) from error


@cache
def _loaded(raw: bytes) -> Mapping[str, object]:
    """Many workers have the same tsconfig, to the byte."""
    config = jsonc.loads(raw.decode("utf-8", "replace"))
    return config if isinstance(config, dict) else {}
