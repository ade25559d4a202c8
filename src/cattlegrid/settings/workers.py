"""The workers of a fleet: the folders that `fleet.workers` names, and the wrangler file in each."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Final

from cattlegrid.errors import Mistake

WRANGLER_FILES: Final = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
_WILD: Final = "*?["


def discover(
    root: Path, patterns: tuple[str, ...], fleet: str, file: str
) -> tuple[dict[str, tuple[str, str]], list[Mistake]]:
    """By worker name: the folder and its wrangler file, relative to `root`; and the mistakes.

    A worker is named by its folder; one at the root itself has the fleet's name, since a clone's folder may have any.
    """
    mistakes: list[Mistake] = []
    found: dict[str, tuple[str, str]] = {}
    for index, pattern in enumerate(patterns):
        path = f"fleet.workers[{index}]"
        folders = _folders(root, pattern)
        if not folders:
            mistakes.append(Mistake(file, path, f"{pattern!r} matches no folder with a wrangler file"))
        for folder, configs in folders:
            if len(configs) > 1:
                what = f"holds {' and '.join(configs)}; wrangler would read {configs[0]} only: remove the other"
                mistakes.append(Mistake(folder, "", what))
            name = fleet if folder == "." else folder.rsplit("/", 1)[-1]
            entry = (folder, configs[0] if folder == "." else f"{folder}/{configs[0]}")
            if found.setdefault(name, entry) != entry:
                what = f"two workers are named {name!r}: {found[name][0]} and {folder}"
                mistakes.append(Mistake(file, path, what))
    return found, mistakes


def _folders(root: Path, pattern: str) -> list[tuple[str, tuple[str, ...]]]:
    wild = any(sign in pattern for sign in _WILD)
    candidates = _globbed(root, pattern) if wild else iter([posixpath.normpath(pattern.strip("/"))])
    folders = []
    for folder in candidates:
        names = _names(os.path.join(root, folder))  # noqa: PTH118 - a Path for each of a thousand folders takes longer
        configs = tuple(name for name in WRANGLER_FILES if name in names)
        if configs:
            folders.append((folder, configs))
    return sorted(folders)


def _globbed(root: Path, pattern: str) -> Iterator[str]:
    for path in glob(pattern.strip("/"), root_dir=root, recursive=True, include_hidden=True):  # noqa: PTH207 - as above
        folder = posixpath.normpath(path)
        if "node_modules" not in folder.split("/"):
            yield folder


def _names(folder: str) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - as above
    except (FileNotFoundError, NotADirectoryError):
        return set()
