"""What a promotion needs of a commit's files: settings, wrangler configs, migrations. Nothing of it is executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from cattlegrid import settings
from cattlegrid.errors import Refused
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.git.tree import read
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Deployable
from cattlegrid.release.target import deployables
from cattlegrid.secrets import uses

_WANTED: Final = ("cattlegrid.toml", "smoke.toml", "wrangler.json", "wrangler.jsonc", "wrangler.toml")
_ENDS: Final = ".sql"


def whole_commit(repository: Repository, prefix: str, worker: str) -> str:
    """The full id of a stamped commit, fetched when this clone is shallow. Raises Refused when it is nowhere."""
    found = git.commit(repository, prefix)
    if found is None:
        git.deepen(repository)
        found = git.commit(repository, prefix)
    if found is None:
        raise Refused(
            f"the commit that staging runs, {prefix[:12]}, is not in this clone",
            where=worker,
            next="git fetch --all, or deploy a commit to staging that has been pushed",
        )
    return found


def at_commit(
    repository: Repository, root: Path, commit: str, into: Path
) -> tuple[Fleet, dict[Environment, dict[str, Deployable]]]:
    """The fleet as the commit has it, both environments resolved, its files written into the folder `into`.

    `root` is where the fleet lies in the working tree. Raises ConfigError when the commit's configuration is wrong.
    """
    every = _files(repository, root, commit)
    fleet = _fleet(repository, every, into)
    # Where no list says which secrets a worker needs, its code does.
    folders = tuple(
        "" if worker.folder == "." else f"{worker.folder}/" for worker in fleet.workers if not worker.secrets
    )
    code = [path for path in every if path.startswith(folders) and uses.is_code(path)]
    _write(repository, {path: every[path] for path in code}, into)
    return fleet, {environment: deployables(fleet, environment) for environment in Environment}


def fleet_at(repository: Repository, root: Path, commit: str, into: Path) -> Fleet:
    """The fleet, with its wrangler files and migrations, and without its code. Raises as `at_commit`."""
    return _fleet(repository, _files(repository, root, commit), into)


def workers_at(
    repository: Repository, root: Path, environment: Environment, into: Path
) -> Callable[[str], dict[str, Deployable]]:
    """Reads the workers of a commit, without their code; each commit once. What it returns raises as `at_commit`."""

    @cache
    def of(commit: str) -> dict[str, Deployable]:
        return deployables(fleet_at(repository, root, commit, into / commit), environment)

    return of


def _files(repository: Repository, root: Path, commit: str) -> dict[str, str]:
    """The commit's files below the fleet's root, by path, with their object ids."""
    prefix = root.relative_to(repository.root).as_posix()
    prefix = "" if prefix == "." else f"{prefix}/"
    return {path.removeprefix(prefix): oid for path, oid in read(repository, commit).matching(f"{prefix}**")}


def _fleet(repository: Repository, every: Mapping[str, str], into: Path) -> Fleet:
    chosen = [path for path in every if path.endswith(_ENDS) or path.rsplit("/", 1)[-1] in _WANTED]
    _write(repository, {path: every[path] for path in chosen}, into)
    return settings.load(into)


def _write(repository: Repository, chosen: Mapping[str, str], into: Path) -> None:
    contents = git.objects(repository, chosen.values())
    for path, oid in chosen.items():
        file = into / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents[oid])
