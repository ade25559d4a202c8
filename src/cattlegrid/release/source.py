"""What is checked out here: the commit, the uncommitted files, and the inputs of every worker."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.errors import ConfigError, Mistake, UsageError
from cattlegrid.git import repository, tree
from cattlegrid.git.paths import parents
from cattlegrid.git.repository import ChangedPath, Repository
from cattlegrid.git.snapshot import Snapshot, with_dirty
from cattlegrid.git.tree import NOTED, Tree
from cattlegrid.model.change import ChangedFile
from cattlegrid.model.fleet import Fleet
from cattlegrid.release.inputs import ABSENT, Inputs, Part, inputs
from cattlegrid.settings import load

_LETTERS: Final = {"A": "added", "D": "deleted", "M": "modified", "T": "modified"}
# Files that say what belongs to a worker: manifests, lock files, tsconfigs, wrangler files.
_SHAPING: Final = (".json", ".jsonc", ".toml", ".yaml", ".lock", ".lockb")


@dataclass(frozen=True)
class Source:
    """`commit` is the full id. `snapshot` holds the uncommitted files too, when they were looked at."""

    fleet: Fleet
    repository: Repository
    commit: str
    snapshot: Snapshot
    inputs: Mapping[str, Inputs]

    @property
    def dirty(self) -> tuple[str, ...]:
        """The uncommitted files, of whatever worker or of none."""
        return tuple(sorted(self.snapshot.dirty))


def checked_out(fleet: Fleet, environ: Mapping[str, str]) -> Source:
    """HEAD with the working tree's uncommitted files. Raises UsageError without a repository or a commit,
    ConfigError for a worker that git does not hold.
    """
    found = repository.find(fleet.root, environ)
    commit = repository.head(found)
    with ThreadPoolExecutor(1) as threads:
        dirty = threads.submit(repository.dirty_paths, found)
        listed = tree.read(found, commit)
        snapshot = with_dirty(found, listed, (path for path in dirty.result() if not _is_leftover(path)))
    known = inputs(fleet, snapshot)
    _refuse_unseen(fleet, known)
    return Source(fleet, found, commit, snapshot, known)


def _is_leftover(path: str) -> bool:
    """Whether npm or wrangler left the file there, in a repository that does not ignore their folders."""
    return not {"node_modules", ".wrangler"}.isdisjoint(path.split("/"))


def _refuse_unseen(fleet: Fleet, known: Mapping[str, Inputs]) -> None:
    """A worker whose folder git ignores would never be seen to change."""
    mistakes = tuple(
        Mistake(worker.config, "", f"git knows no file in {worker.folder}: no change of this worker could be seen")
        for worker in fleet.workers
        if known[worker.name].parts[0].oid == ABSENT
    )
    if mistakes:
        raise ConfigError(mistakes, next="remove the folder from .gitignore, or from fleet.workers")


def committed(cwd: Path, environ: Mapping[str, str], revision: str = "HEAD") -> Source:
    """A commit as it is, without uncommitted files, of the fleet found from `cwd`.

    Raises UsageError when this clone does not have the commit, ConfigError for mistakes in the settings.
    """
    found = repository.find(cwd, environ)
    with ThreadPoolExecutor(1) as threads:
        listing = threads.submit(_listed, found, revision)
        fleet = load(cwd)
        commit, listed = listing.result()
    snapshot = Snapshot(found, listed)
    return Source(fleet, found, commit, snapshot, inputs(fleet, snapshot))


def _listed(found: Repository, revision: str) -> tuple[str, Tree]:
    commit = repository.commit(found, revision)
    if commit is None:
        raise UsageError(f"this clone has no commit {revision}", next=f"git fetch origin {revision}")
    return commit, tree.read(found, commit)


@dataclass(frozen=True)
class Before:
    """An earlier commit, beside a source. `paths` are all the files that differ, `changed` the workers whose inputs do.

    `inputs` are those of the earlier commit; where only contents differ, they hold the source's own parts.
    """

    inputs: Mapping[str, Inputs]
    paths: tuple[ChangedPath, ...]
    changed: frozenset[str]


def before(source: Source, revision: str) -> Before | None:
    """The earlier commit, or None when this clone does not have it."""
    commit = repository.commit(source.repository, revision)
    if commit is None:
        return None
    paths = repository.changed_paths(source.repository, commit, source.commit)
    if not _changes_structure(source, paths):
        return Before(source.inputs, paths, _touched(source, paths))
    old = inputs(source.fleet, Snapshot(source.repository, tree.read(source.repository, commit)))
    changed = frozenset(name for name, now in source.inputs.items() if now.digest != old[name].digest)
    return Before(old, paths, changed)


def _changes_structure(source: Source, paths: tuple[ChangedPath, ...]) -> bool:
    """Whether what belongs to a worker may differ, and not only its content: then two lists of files are needed."""
    shaping = [path for path in paths if not path.plain or path.path.endswith(_SHAPING)]
    if any(not path.plain or path.letter != "M" or path.path.rsplit("/", 1)[-1] in NOTED for path in shaping):
        return True
    named = {path.path for path in shaping}
    return bool(named) and any(part.path in named for known in source.inputs.values() for part in known.parts)


def _touched(source: Source, paths: tuple[ChangedPath, ...]) -> frozenset[str]:
    owners: dict[str, list[str]] = {}
    globs: list[tuple[Part, str]] = []
    for name, known in source.inputs.items():
        for part in known.parts:
            if part.glob:
                globs.append((part, name))
            else:
                owners.setdefault(part.path, []).append(name)
    touched: set[str] = set()
    for changed in paths:
        for place in (changed.path, *parents(changed.path)):
            touched.update(owners.get(place, ()))
        touched.update(name for part, name in globs if part.covers(changed.path))
    return frozenset(touched)


def files(source: Source, worker: str, old: Before | None) -> tuple[ChangedFile, ...]:
    """The worker's files that differ from the earlier commit, and the uncommitted ones; each with why it is its."""
    now = source.inputs[worker]
    found = {path: _changed(now, path, "uncommitted") for path in now.dirty}
    if old is None:
        return tuple(found.values())
    past = old.inputs[worker]
    for changed in old.paths:
        owner = now.part_of(changed.path) or past.part_of(changed.path)
        locked = now.locked is not None and changed.path == now.locked.path
        if owner is not None and not locked and changed.path not in found:
            found[changed.path] = ChangedFile(changed.path, _LETTERS.get(changed.letter, "modified"), owner.because)
    return (*found.values(), *_packages(now, past))


def _changed(now: Inputs, path: str, how: str) -> ChangedFile:
    owner = now.part_of(path)
    return ChangedFile(path, how, owner.because if owner is not None else "")


def _packages(now: Inputs, past: Inputs) -> tuple[ChangedFile, ...]:
    """Installed packages whose version differs: `node_modules/zod`, `4.0.0 → 4.1.0`."""
    if now.locked is None:
        return ()
    old = past.locked.versions if past.locked is not None else {}
    new = now.locked.versions
    return tuple(
        ChangedFile(key, f"{old.get(key) or 'absent'} → {new.get(key) or 'absent'}", f"locked in {now.locked.path}")
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )
