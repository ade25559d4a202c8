"""The inputs of a worker: everything in git that can go into it, known before any install or build.

No history is read: object ids of one commit, at any depth of clone. The digest says nothing about what a change does;
equal digests say that there is none.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from cattlegrid.git.paths import glob_pattern, inside, is_glob, join, parents, under
from cattlegrid.git.snapshot import Snapshot
from cattlegrid.git.tree import FOLDER, SUBMODULE
from cattlegrid.model.fleet import Fleet, WorkerSettings
from cattlegrid.release import lockfile, tsconfig
from cattlegrid.release.lockfile import Reached
from cattlegrid.release.packages import Packages, packages
from cattlegrid.wrangler import config as wrangler_config

_LOCKS: Final = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb")
ABSENT: Final = "absent"  # the object id of what is not there: that it appears is a change
_NPM_LOCKS: Final = ("package-lock.json", "npm-shrinkwrap.json")


@dataclass(frozen=True)
class Part:
    """One thing that goes in: a folder, a file or, with `glob`, the files it chooses. `because` is for a person."""

    path: str
    oid: str
    because: str
    glob: bool = False

    def covers(self, path: str) -> bool:
        return glob_pattern(self.path).fullmatch(path) is not None if self.glob else inside(path, self.path)


@dataclass(frozen=True)
class Inputs:
    """`dirty` are the uncommitted files among them; `locked` is what counts of npm's lock file, if not all."""

    worker: str
    digest: str
    parts: tuple[Part, ...]
    dirty: tuple[str, ...] = ()
    locked: Reached | None = field(default=None, repr=False, compare=False)

    def part_of(self, path: str) -> Part | None:
        """The part that a file belongs to, the nearest one first."""
        covering = [part for part in self.parts if part.covers(path)]
        return max(covering, key=lambda part: len(part.path), default=None)


def inputs(fleet: Fleet, snapshot: Snapshot) -> dict[str, Inputs]:
    """The inputs of every worker of the fleet, by name, in one commit. Raises ConfigError for a broken package.json."""
    sources = _sources(fleet, snapshot)
    return {worker.name: _of_worker(sources, worker) for worker in fleet.workers}


@dataclass
class Sources:
    """What is known of the repository while the workers are walked; each folder is looked at once.

    `prefix` is where the fleet's root lies in the repository.
    """

    snapshot: Snapshot
    packages: Packages
    prefix: str
    shared: tuple[Part, ...]
    tsconfigs: Mapping[str, list[str]]
    links: Mapping[str, list[str]]
    locks: Mapping[str, str]
    _references: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    _locks: dict[str, lockfile.Lock | None] = field(default_factory=dict)

    def references(self, folder: str) -> tuple[tuple[str, str], ...]:
        """(path, why) of all that the folder's own files lead to."""
        if folder not in self._references:
            self._references[folder] = tuple(self._found(folder))
        return self._references[folder]

    def lock(self, path: str) -> lockfile.Lock | None:
        if path not in self._locks:
            self._locks[path] = lockfile.read(self.snapshot.content(path) or b"", path)
        return self._locks[path]

    def package_folder(self, folder: str) -> str | None:
        """The folder whose package.json is in force: this one, or the nearest above."""
        return next((place for place in (folder, *parents(folder)) if place in self.packages.folders), None)

    def lock_path(self, folder: str) -> str | None:
        """The lock file in force, in the nearest folder above. One in the own folder is counted with the folder."""
        place = next((place for place in (folder, *parents(folder)) if place in self.locks), folder)
        return self.locks[place] if place != folder else None

    def _found(self, folder: str) -> Iterator[tuple[str, str]]:
        owner = self.package_folder(folder)
        if owner is not None:
            if owner != folder:
                yield under(owner, "package.json"), f"the package.json in force for {folder}"
            for name, local in self.packages.local(owner):
                yield local, f"package {name}, which {under(owner, 'package.json')} depends on"
        for path in self._tsconfigs(folder):
            if not inside(path, folder):
                yield path, f"the tsconfig in force for {folder}"
            for target, why in tsconfig.references(self.snapshot, path, self.packages.workspaces):
                yield self._whole(target), why
        for link in self.links.get(folder, []):
            text = (self.snapshot.content(link) or b"").decode("utf-8", "replace")
            end = join(posixpath.dirname(link), text)
            yield (link, "a link out of the repository") if end is None else (end, f"{link} is a link to it")

    def _tsconfigs(self, folder: str) -> list[str]:
        found = list(self.tsconfigs.get(folder, []))
        own = under(folder, "tsconfig.json")
        if own not in found:
            above = (under(place, "tsconfig.json") for place in parents(folder))
            found += [path for path in above if self.snapshot.entry(path) is not None][:1]
        return found

    def _whole(self, path: str) -> str:
        """A source file brings its package, or else its folder: what it imports lies beside it."""
        if path.endswith(".json") or not posixpath.splitext(path)[1]:
            return path
        for place in parents(path):
            if place and place in self.packages.folders:
                return place
        return posixpath.dirname(path) or path

    def named_by_wrangler(self, worker: WorkerSettings) -> Iterator[tuple[str, str]]:
        """Paths outside the worker's folder that its wrangler file names (main, tsconfig, assets, migrations, …)."""
        path = under(self.prefix, worker.config)
        raw = self.snapshot.content(path) or b""
        if b".." not in raw:
            return
        folder = posixpath.dirname(path)
        for text in _texts(wrangler_config.parse(raw, path, shown=path)):
            target = join(folder, text) if ".." in text else None
            if target and not inside(target, folder) and "node_modules" not in target.split("/"):
                found = self.snapshot.entry(target)
                yield target if found is None else self._whole(target), f"{path} names it"


def _sources(fleet: Fleet, snapshot: Snapshot) -> Sources:
    relative = fleet.root.relative_to(snapshot.repository.root).as_posix()
    prefix = "" if relative == "." else relative
    configs = [under(prefix, worker.config) for worker in fleet.workers]
    known = packages(snapshot)
    snapshot.fetch([*configs, *snapshot.named("tsconfig.json"), *snapshot.links()])
    return Sources(
        snapshot=snapshot,
        packages=known,
        prefix=prefix,
        shared=tuple(_declared(snapshot, prefix, path, "shared by the whole fleet") for path in fleet.shared),
        tsconfigs=_by_folder(snapshot.named("tsconfig.json")),
        links=_by_folder(snapshot.links()),
        locks={posixpath.dirname(path): path for name in reversed(_LOCKS) for path in snapshot.named(name)},
    )


def _by_folder(paths: Mapping[str, str] | list[str]) -> dict[str, list[str]]:
    """Every folder with the paths anywhere below it."""
    found: dict[str, list[str]] = {}
    for path in paths:
        for folder in parents(path):
            found.setdefault(folder, []).append(path)
    return found


def _of_worker(sources: Sources, worker: WorkerSettings) -> Inputs:
    folder = join(sources.prefix, worker.folder) or ""
    parts, folders = _closure(sources, worker, folder)
    for pattern in worker.inputs:
        part = _declared(sources.snapshot, folder, pattern, f"inputs of workers.{worker.name} in cattlegrid.toml")
        parts.setdefault(part.path, part)
    lock, locked = _locked(sources, folder, folders)
    for part in (*sources.shared, *((lock,) if lock is not None else ())):
        parts.setdefault(part.path, part)
    if locked is not None and parts[locked.path].oid != locked.digest:
        locked = None  # the fleet shares the whole lock file
    dirty = _dirty(sources, parts, locked, folders)
    lines = [f"{part.path}\0{part.oid}" for part in parts.values()]
    lines += [f"{path}\0+{sources.snapshot.dirty[path]}" for path in dirty]
    digest = hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()
    return Inputs(worker.name, digest, tuple(parts.values()), dirty, locked)


def _closure(sources: Sources, worker: WorkerSettings, folder: str) -> tuple[dict[str, Part], list[str]]:
    """The parts that the worker's folder leads to, and the folders among them."""
    parts: dict[str, Part] = {}
    folders: list[str] = []
    waiting = [(folder, "the worker's own folder"), *sources.named_by_wrangler(worker)]
    while waiting:
        path, because = waiting.pop(0)
        if path in parts:
            continue
        part, is_folder = _part(sources.snapshot, path, because)
        parts.setdefault(part.path, part)
        if is_folder:
            folders.append(path)
            waiting += [(target, why) for target, why in sources.references(path) if target not in parts]
    return parts, folders


def _part(snapshot: Snapshot, path: str, because: str) -> tuple[Part, bool]:
    found = snapshot.entry(path)
    if found is not None:
        return Part(path, found.oid, because), found.mode == FOLDER
    for place in parents(path):
        above = snapshot.entry(place) if place else None
        if above is not None and above.mode == SUBMODULE:
            return Part(place, above.oid, f"the submodule that holds {path}: {because}"), False
        if place in snapshot.links():
            return Part(place, snapshot.links()[place], f"a link on the way to {path}: {because}"), False
    return Part(path, ABSENT, because), False


def _declared(snapshot: Snapshot, base: str, pattern: str, because: str) -> Part:
    path = join(base, pattern)
    if path is None:
        return Part(pattern, "outside", because)
    path = path.removesuffix("/**")
    if not is_glob(path) or snapshot.entry(path) is not None:
        return _part(snapshot, path, because)[0]
    chosen = "\n".join(f"{name}\0{oid}" for name, oid in snapshot.tree.matching(path))
    return Part(path, hashlib.sha256(chosen.encode("utf-8", "surrogateescape")).hexdigest(), because, glob=True)


def _locked(sources: Sources, folder: str, folders: list[str]) -> tuple[Part | None, Reached | None]:
    path = sources.lock_path(folder)
    entry = sources.snapshot.entry(path) if path is not None else None
    if path is None or entry is None:
        return None, None
    lock = sources.lock(path) if posixpath.basename(path) in _NPM_LOCKS else None
    if lock is None:
        return Part(path, entry.oid, "the lock file"), None
    found = Reached(lock, path, lock.reached(_wanted(sources, posixpath.dirname(path), folders)))
    return Part(path, found.digest, "the locked packages that the worker depends on"), found


def _wanted(sources: Sources, base: str, folders: list[str]) -> Iterator[tuple[str, str]]:
    owners = dict.fromkeys(sources.package_folder(folder) for folder in folders)
    for owner in owners:
        if owner is not None and inside(owner, base):
            place = posixpath.relpath(owner, base) if base else owner
            for name in sources.packages.dependencies(owner):
                yield ("" if place == "." else place), name


def _dirty(sources: Sources, parts: Mapping[str, Part], locked: Reached | None, folders: list[str]) -> tuple[str, ...]:
    """The uncommitted files of the worker. npm's lock file only when the worker's own packages differ in it."""
    dirty = sources.snapshot.dirty
    return tuple(
        path
        for path in sorted(dirty)
        if (
            _relocked(sources, locked, folders)
            if locked is not None and path == locked.path
            else any(part.covers(path) for part in parts.values())
        )
    )


def _relocked(sources: Sources, locked: Reached, folders: list[str]) -> bool:
    raw = sources.snapshot.committed(locked.path)
    lock = lockfile.read(raw, locked.path) if raw is not None else None
    if lock is None:
        return True
    return lock.digest(lock.reached(_wanted(sources, posixpath.dirname(locked.path), folders))) != locked.digest


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
