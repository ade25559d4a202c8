"""The repository's own packages: which package.json depends on which folder of this repository."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.git import workspaces
from cattlegrid.git.paths import join, under
from cattlegrid.git.snapshot import Snapshot
from cattlegrid.git.workspaces import Workspaces

DEPENDENCY_KEYS: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_LOCAL_PREFIXES: Final = ("file:", "link:", "portal:")


@dataclass(frozen=True)
class Packages:
    """`folders` are those with a package.json; `workspaces` maps the name of each workspace member to its folder."""

    snapshot: Snapshot
    folders: frozenset[str]
    workspaces: Mapping[str, str]
    _manifests: dict[str, Mapping[str, object]] = field(default_factory=dict, repr=False, compare=False)

    def manifest(self, folder: str) -> Mapping[str, object] | None:
        """The package.json in the folder, or None. Raises ConfigError when it is not JSON."""
        if folder not in self.folders:
            return None
        if folder not in self._manifests:
            path = under(folder, "package.json")
            self._manifests[folder] = _json(self.snapshot.content(path) or b"{}", path)
        return self._manifests[folder]

    def dependencies(self, folder: str) -> dict[str, str]:
        """Name to version range, of every kind of dependency in the folder's package.json."""
        manifest = self.manifest(folder) or {}
        found: dict[str, str] = {}
        for key in DEPENDENCY_KEYS:
            table = manifest.get(key)
            if isinstance(table, dict):
                found |= {name: str(wanted) for name, wanted in table.items() if name not in found}
        return found

    def local(self, folder: str) -> Iterator[tuple[str, str]]:
        """(name, path) of the dependencies that are folders or files of this repository."""
        for name, wanted in self.dependencies(folder).items():
            path = _local_path(folder, wanted)
            if path is None and not wanted.startswith(_LOCAL_PREFIXES):
                path = self.workspaces.get(name)
            if path is not None and path != folder:
                yield name, path


def packages(snapshot: Snapshot) -> Packages:
    """Every workspace of the repository (npm, yarn, bun and pnpm), read at once."""
    manifests = snapshot.named("package.json")
    snapshot.fetch([*manifests, *snapshot.named("pnpm-workspace.yaml")])
    names: dict[str, str] = {}
    folders = [posixpath.dirname(path) for path in manifests]
    found = Packages(snapshot, frozenset(folders), names)
    for declared in _declared(snapshot, found, folders):
        for folder in declared.members(folders):
            name = (found.manifest(folder) or {}).get("name")
            if isinstance(name, str):
                names.setdefault(name, folder)
    return found


def _declared(snapshot: Snapshot, found: Packages, folders: list[str]) -> Iterator[Workspaces]:
    for folder in folders:
        of_npm = workspaces.of_manifest(found.manifest(folder) or {}, folder)
        if of_npm is not None:
            yield of_npm
    for path in snapshot.named(workspaces.PNPM):
        text = (snapshot.content(path) or b"").decode("utf-8", "replace")
        yield workspaces.of_pnpm(text, posixpath.dirname(path))


def _local_path(folder: str, wanted: str) -> str | None:
    for prefix in _LOCAL_PREFIXES:
        if wanted.startswith(prefix):
            return join(folder, wanted.removeprefix(prefix).removeprefix("//"))
    if wanted.startswith(("./", "../")):
        return join(folder, wanted)
    if wanted.startswith(("workspace:./", "workspace:../")):
        return join(folder, wanted.removeprefix("workspace:"))
    return None


def _json(raw: bytes, path: str) -> Mapping[str, object]:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise ConfigError((Mistake(path, "", f"is not valid JSON: {error}"),)) from error
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
