"""What is checked out here: the commit, the uncommitted files, and the inputs of every worker."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from cattlegrid.errors import UsageError
from cattlegrid.git import repository, tree
from cattlegrid.git.repository import Repository
from cattlegrid.git.snapshot import Snapshot, with_dirty
from cattlegrid.model.change import ChangedFile
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.stamp import Digests, Stamp
from cattlegrid.model.target import Deployable
from cattlegrid.release import digests
from cattlegrid.release.inputs import Inputs, inputs

_LETTERS = {"A": "added", "D": "deleted", "M": "modified", "T": "modified"}


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
    """HEAD with the working tree's uncommitted files. Raises UsageError without a repository or a commit."""
    found = repository.find(fleet.root, environ)
    commit = repository.head(found)
    with ThreadPoolExecutor(1) as threads:
        dirty = threads.submit(repository.dirty_paths, found)
        listed = tree.read(found, commit)
        snapshot = with_dirty(found, listed, dirty.result())
    return Source(fleet, found, commit, snapshot, inputs(fleet, snapshot))


def committed(fleet: Fleet, environ: Mapping[str, str], revision: str = "HEAD") -> Source:
    """A commit as it is, without uncommitted files. Raises UsageError when this clone does not have it."""
    found = repository.find(fleet.root, environ)
    commit = repository.commit(found, revision)
    if commit is None:
        raise UsageError(f"this clone has no commit {revision}", next=f"git fetch origin {revision}")
    snapshot = Snapshot(found, tree.read(found, commit))
    return Source(fleet, found, commit, snapshot, inputs(fleet, snapshot))


def measured(source: Source, deployable: Deployable) -> Stamp:
    """The stamp that the worker would get, without its code digest: nothing is built for it."""
    known = source.inputs[deployable.worker.name]
    found = Digests(known.digest, "", digests.config(deployable), digests.schema(deployable))
    return Stamp(source.commit, found, dirty=bool(known.dirty))


def with_code(stamp: Stamp, code: str) -> Stamp:
    return replace(stamp, digests=replace(stamp.digests, code=code))


@dataclass(frozen=True)
class Before:
    """An earlier commit, for explanation: the inputs as they were, and all files that differ."""

    inputs: Mapping[str, Inputs]
    paths: tuple[tuple[str, str], ...]


def before(source: Source, revision: str) -> Before | None:
    """The earlier commit, or None when this clone does not have it."""
    commit = repository.commit(source.repository, revision)
    if commit is None:
        return None
    old = Snapshot(source.repository, tree.read(source.repository, commit))
    return Before(inputs(source.fleet, old), repository.changed_paths(source.repository, commit, source.commit))


def files(source: Source, worker: str, old: Before | None) -> tuple[ChangedFile, ...]:
    """The worker's files that differ from the earlier commit, and the uncommitted ones; each with why it is its."""
    now = source.inputs[worker]
    found = {path: _changed(now, path, "uncommitted") for path in now.dirty}
    if old is None:
        return tuple(found.values())
    past = old.inputs[worker]
    same = {(part.path, part.oid) for part in now.parts} & {(part.path, part.oid) for part in past.parts}
    for letter, path in old.paths:
        owner = now.part_of(path) or past.part_of(path)
        if owner is None or (owner.path, owner.oid) in same or path in found:
            continue
        if now.locked is not None and path == now.locked.path:
            continue
        found[path] = ChangedFile(path, _LETTERS.get(letter, "modified"), owner.because)
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
