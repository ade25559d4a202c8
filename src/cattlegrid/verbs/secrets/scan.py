"""`secrets scan`: are our values, or other tokens, in git's history, in the files here, or in a log?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.release.live import read_live
from cattlegrid.secrets import digest, scan
from cattlegrid.secrets.scan import Finding, Scanner
from cattlegrid.secrets.store import Stored
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.audit import read_each, ways

_NEVER: Final = frozenset({".git", "node_modules", ".venv", "__pycache__"})
_LARGEST: Final = 50_000_000
_SHORT: Final = 12  # digits of an object's id


@dataclass(frozen=True)
class ScanReport:
    """`files` and `objects` count what was looked through; `closed` what was looked for by digest or not at all."""

    findings: tuple[Finding, ...]
    values: int
    files: int
    objects: int
    closed: dict[str, str]

    @property
    def outcome(self) -> Outcome:
        """Found fails. A store that was closed leaves a gap: then nothing found is not a pass."""
        if self.findings:
            return Outcome.FAIL
        return Outcome.NOT_MEASURED if self.closed or not self.files + self.objects else Outcome.PASS


def scan_for_secrets(edge: Edge, paths: tuple[Path, ...] = (), *, history: bool = True) -> ScanReport:
    """Look through the work tree (ignored files too, for they hold logs and bundles), or `paths`, and git's history."""
    fleet = load(edge.cwd)
    scanner, closed = _scanner(edge, fleet)
    own = {fleet.root / scope.secrets.folder / f"{one}.env" for scope in fleet.scopes for one in Environment}
    files = [file for file in _files(paths or (fleet.root,)) if file not in own]
    findings = [found for file in files for found in scanner.look(_shown(file, fleet.root), file.read_bytes())]
    objects = 0
    if history and not paths:
        for place, content in _history(git.find(fleet.root, edge.environ)):
            objects += 1
            findings += scanner.look(place, content)
    return ScanReport(tuple(findings), len(set(scanner.names.values())), len(files), objects, closed)


def _scanner(edge: Edge, fleet: Fleet) -> tuple[Scanner, dict[str, str]]:
    stores = read_each(edge, fleet)
    values = _values("", stores)
    closed = {environment.value: stored.closed for environment, stored in stores.items() if stored.closed}
    for scope in fleet.scopes[1:]:
        venture = f" of venture {scope.secrets.venture}"
        theirs = read_each(edge, scope)
        values |= _values(venture, theirs)
        closed |= {f"{one}{venture}": stored.closed for one, stored in theirs.items() if stored.closed}
    for settings in fleet.environments.values():
        values[f"the API token {settings.token}"] = Secret(edge.environ.get(settings.token, ""))
    audit = next((stored.own[digest.AUDIT_KEY] for stored in stores.values() if digest.AUDIT_KEY in stored.own), None)
    if audit is None or not closed:
        return scan.scanner(values), closed
    known = _known_digests(edge, fleet, [environment for environment, stored in stores.items() if stored.closed])
    digesters = [digest.digester(audit, name) for name in {what.partition(" ")[0] for what in known.values()}]
    return scan.scanner(values, lambda word: (made(word) for made in digesters), known), closed


def _values(whose: str, stores: Mapping[Environment, Stored]) -> dict[str, Secret]:
    values: dict[str, Secret] = {}
    for environment, stored in stores.items():
        values |= {f"{name} of {environment}{whose}": value for name, value in stored.values.items()}
        own = ((key, stored.own[key]) for key in (digest.AUDIT_KEY, digest.OWN_KEY) if key in stored.own)
        values |= {f"the store's {key} of {environment}{whose}": value for key, value in own}
    return values


def _known_digests(edge: Edge, fleet: Fleet, closed: Iterable[Environment]) -> dict[str, str]:
    """What the Workers' manifests tell of stores that cannot be opened here: by digest the name."""
    known: dict[str, str] = {}
    with ways(edge, fleet) as (found, _):
        for environment in closed:
            place = found[environment].place
            if place is None:
                continue
            for live in read_live(place.client, place.target, place.target.workers).values():
                manifest = digest.read(live.version.bindings if live.version is not None else ())
                common = {*fleet.secrets.isolated, *fleet.secrets.shared}
                known |= {d: f"{name} of {environment}" for name, d in manifest.digests.items() if name in common}
    return known


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
        for here, folders, names in os.walk(path):
            folders[:] = [name for name in folders if name not in _NEVER]
            for name in names:
                file = Path(here, name)
                if file.is_file() and not file.is_symlink() and file.stat().st_size <= _LARGEST:
                    yield file


def _history(repository: Repository) -> Iterator[tuple[str, bytes]]:
    """Every file and every commit message that git holds, of all branches, and of none."""
    every = ("cat-file", "--batch-all-objects", "--unordered")
    listed = git.git(repository, *every, "--batch-check").expect_success("git cat-file").out
    wanted = [line.split() for line in listed.splitlines()]
    paths = dict(_paths(repository))
    batch: list[str] = []
    size = 0
    for name, kind, length in wanted:
        if kind == "tree" or int(length) > _LARGEST:
            continue
        batch.append(name)
        size += int(length)
        if size > _LARGEST:
            yield from _contents(repository, batch, paths)
            batch, size = [], 0
    yield from _contents(repository, batch, paths)


def _paths(repository: Repository) -> Iterator[tuple[str, str]]:
    for line in git.git(repository, "rev-list", "--objects", "--all").out.splitlines():
        name, _, path = line.partition(" ")
        if path:
            yield name, path


def _contents(repository: Repository, names: list[str], paths: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    raw = git.git(repository, "cat-file", "--batch", "--buffer", input="\n".join(names).encode()).raw
    position = 0
    while position < len(raw):
        end = raw.index(b"\n", position)
        name, kind, length = raw[position:end].decode().split()
        start = end + 1
        yield f"git {kind} {name[:_SHORT]} {paths.get(name, '')}".rstrip(), raw[start : start + int(length)]
        position = start + int(length) + 1


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
