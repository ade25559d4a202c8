"""Whether every file that went into a bundle lies inside the worker's declared inputs.

If not, a change of that file would not be seen: the bundle is refused, with the line to add to the settings.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.git.snapshot import Snapshot
from cattlegrid.model.fleet import Fleet, WorkerSettings
from cattlegrid.model.version import Module
from cattlegrid.release.inputs import Inputs
from cattlegrid.wrangler.bundle import Bundle

_INSTALLED: Final = "/node_modules/"
_OF_WRANGLER: Final = frozenset({"wrangler", "unenv", "@cloudflare/unenv-preset"})


@dataclass(frozen=True)
class Examined:
    """How many `files` were looked at. `generated` ones went in but are not in git (a `dist` folder, say): what they
    were made from cannot be proven.
    """

    files: int
    generated: tuple[str, ...]


def check(fleet: Fleet, worker: WorkerSettings, bundle: Bundle, known: Inputs, snapshot: Snapshot) -> Examined:
    """Raises ConfigError for files outside the declared inputs, naming the line to add to `cattlegrid.toml`."""
    inside, installed, foreign = _sorted_out(bundle.used_files, snapshot.repository.root)
    inside += [path for module in bundle.modules if (path := _origin(module, known, snapshot)) is not None]
    undeclared = [path for path in inside if known.part_of(path) is None]
    mistakes = [*_undeclared(fleet, worker, undeclared, snapshot), *_packages(worker, installed, known)]
    for path in foreign:
        what = f"{path} goes into the worker but lies outside the repository: nothing could tell when it changes"
        mistakes.append(Mistake("cattlegrid.toml", f"workers.{worker.name}.inputs", what))
    if mistakes:
        raise ConfigError(tuple(mistakes), next=f"mend this, then: cattlegrid changes {worker.name}")
    generated = tuple(path for path in inside if snapshot.entry(path) is None)
    return Examined(len(inside) + len(installed), generated)


def _sorted_out(used: Iterable[str], root: Path) -> tuple[list[str], list[str], list[str]]:
    """The files of the repository, of its installed packages (both relative to its root), and of elsewhere."""
    base = os.path.realpath(root)
    inside: list[str] = []
    installed: list[str] = []
    foreign: list[str] = []
    for file in used:
        if file.startswith(f"{base}/"):
            path = file.removeprefix(f"{base}/")
            (installed if _INSTALLED in f"/{path}" else inside).append(path)
        elif _INSTALLED not in file:
            foreign.append(file)
    return inside, installed, foreign


def _origin(module: Module, known: Inputs, snapshot: Snapshot) -> str | None:
    """The file in git that a text, SQL or WASM module was copied from: esbuild does not say, its content does."""
    if module.content_type.startswith(("application/javascript", "application/source-map")):
        return None
    paths = snapshot.tree.holding(module.content)
    ending = posixpath.basename(module.name)
    paths = [path for path in paths if ending.endswith(posixpath.basename(path))] or paths
    covered = [path for path in paths if known.part_of(path) is not None]
    return next(iter(covered or paths), None)


def _undeclared(fleet: Fleet, worker: WorkerSettings, paths: list[str], snapshot: Snapshot) -> Iterator[Mistake]:
    if not paths:
        return
    folder = os.path.realpath(fleet.root / worker.folder)
    root = os.path.realpath(snapshot.repository.root)
    wanted = list(worker.inputs)
    for path in sorted(paths):
        line = posixpath.relpath(f"{root}/{posixpath.dirname(path)}", folder) + "/**"
        if not posixpath.dirname(path):
            line = posixpath.relpath(f"{root}/{path}", folder)
        if line not in wanted:
            wanted.append(line)
    listed = ", ".join(f'"{line}"' for line in wanted)
    for path in sorted(paths):
        what = (
            f"{path} goes into the worker but is not among its inputs, so a change of it would not be seen;"
            f" write under [workers.{worker.name}]: inputs = [{listed}]"
        )
        yield Mistake("cattlegrid.toml", f"workers.{worker.name}.inputs", what)


def _packages(worker: WorkerSettings, installed: list[str], known: Inputs) -> Iterator[Mistake]:
    if known.locked is None:
        return
    seen = set(known.locked.versions)
    for path in installed:
        key = _package(path)
        name = key.rpartition("node_modules/")[2]
        if key in seen or name in _OF_WRANGLER:
            continue
        seen.add(key)
        what = (
            f"package {name} ({key}) goes into the worker, but its package.json does not depend on it,"
            f" so a new version of it would not be seen; add it to the dependencies in {worker.folder}/package.json"
        )
        yield Mistake(f"{worker.folder}/package.json", "dependencies", what)


def _package(path: str) -> str:
    """`a/node_modules/@x/y/z.js` → `a/node_modules/@x/y`."""
    before, _, after = path.rpartition("node_modules/")
    names = after.split("/")
    return f"{before}node_modules/" + "/".join(names[: 2 if after.startswith("@") else 1])
