"""What a release would change in production, for a person to judge: commits, files, settings, migrations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cattlegrid.database import migrations
from cattlegrid.git import history
from cattlegrid.git.history import Commit
from cattlegrid.git.repository import Repository, changed_paths, commit
from cattlegrid.model.stamp import Stamp
from cattlegrid.model.target import Deployable
from cattlegrid.release.gate.manifest import Piece

_CODE_ONLY = frozenset({"build", "define", "dev", "main", "rules", "tsconfig"})


@dataclass(frozen=True)
class Setting:
    """One value of the resolved configuration, as JSON; empty where it is absent."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class WorkerDifference:
    """`before` is the commit that production runs, empty when it runs none. `unknown`: what was not compared."""

    worker: str
    before: str
    after: str
    settings: tuple[Setting, ...] = ()
    migrations: tuple[str, ...] = ()
    unknown: str = ""


@dataclass(frozen=True)
class Difference:
    """`commits` are those that production does not have yet, newest first; `files` (`M path`) what differs of the
    repository between the commits that the workers come from and go to.
    """

    commits: tuple[Commit, ...]
    files: tuple[str, ...]
    workers: tuple[WorkerDifference, ...]


def of(
    repository: Repository,
    pieces: Mapping[str, Piece],
    running: Mapping[str, Stamp | None],
    before: Mapping[str, Deployable],
    after: Mapping[str, Deployable],
) -> Difference:
    """`before` are the workers as production's commits have them, as far as these could be read."""
    old = {name: commit(repository, stamp.commit) for name, stamp in running.items() if stamp is not None}
    workers = tuple(
        _worker(name, piece, old.get(name), before.get(name), after[name]) for name, piece in pieces.items()
    )
    known = dict.fromkeys(found for found in old.values() if found is not None)
    new = dict.fromkeys(piece.commit for piece in pieces.values())
    commits = history.between(repository, known, new) if new and set(known) != set(new) else ()
    pairs = dict.fromkeys((one.before, one.after) for one in workers if one.before and one.before != one.after)
    files = {f"{path.letter} {path.path}" for pair in pairs for path in changed_paths(repository, *pair)}
    changed = tuple(one for one in workers if one.settings or one.migrations or one.unknown)
    return Difference(commits, tuple(sorted(files, key=lambda line: line[2:])), changed)


def _worker(name: str, piece: Piece, old: str | None, before: Deployable | None, after: Deployable) -> WorkerDifference:
    names = tuple(one.name for database in after.databases for one in migrations.read(database))
    if old is None or before is None:
        unknown = "production runs nothing of it that this clone knows"
        return WorkerDifference(name, "", piece.commit, migrations=names, unknown=unknown)
    had = {one.name for database in before.databases for one in migrations.read(database)}
    return WorkerDifference(
        worker=name,
        before=old,
        after=piece.commit,
        settings=tuple(settings(before.config, after.config)),
        migrations=tuple(one for one in names if one not in had),
    )


def settings(before: Mapping[str, object], after: Mapping[str, object]) -> Iterable[Setting]:
    """The settings of a resolved configuration that differ: bindings, vars, dates, limits. Secrets are not in it."""
    old, new = dict(_flat(before)), dict(_flat(after))
    for path in sorted({*old, *new}):
        if path.split(".")[0] not in _CODE_ONLY and old.get(path, "") != new.get(path, ""):
            yield Setting(path, old.get(path, ""), new.get(path, ""))


def _flat(value: object, path: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{_named(item, index)}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False, default=str)


def _named(item: object, index: int) -> str:
    """A binding by its name rather than by its place, so that a new one does not seem to change all after it."""
    name = item.get("binding") or item.get("name") if isinstance(item, Mapping) else None
    return str(name or index)
