"""A worker's static assets, which Cloudflare does not give back: found again, and compared with what staging tested."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.cloudflare import versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.git import repository as git
from cattlegrid.git.paths import join
from cattlegrid.git.repository import Repository
from cattlegrid.git.tree import read
from cattlegrid.model.stamp import DIGITS
from cattlegrid.model.target import Deployable
from cattlegrid.release import digests
from cattlegrid.release.promotion.candidate import Part
from cattlegrid.wrangler.bundle import assets_directory, assets_in

_FOLDER: Final = "assets"


@dataclass(frozen=True)
class Places:
    """Where the files can be: the commit, and the working tree, for what a build has written. `root` is the fleet's
    folder in it; `into` a folder of our own that takes the copies.
    """

    repository: Repository
    root: Path
    into: Path


def folder(into: Path, worker: str) -> Path:
    """Where `reproduce` leaves the files of a worker."""
    return into / _FOLDER / worker


def reproduce(places: Places, client: Client, part: Part, commit: str, deployable: Deployable) -> str | None:
    """Find the files that, with the modules of staging's version, have the digest of its stamp; copy them.

    `deployable` is the worker in staging, as `commit` has it. Nothing is built. The whole digest of code and
    assets; None when the files are nowhere.
    """
    directory = assets_directory(deployable) or ""
    modules, _ = versions.modules(client, part.script, part.version)
    copy = folder(places.into, part.worker)
    for write in (_of_commit(places, commit, deployable, directory), _of_worktree(places, deployable, directory)):
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True)
        write(copy)
        found = digests.code(modules, assets_in(copy))
        if found[:DIGITS] == part.stamp.digests.code[:DIGITS]:
            return found
    shutil.rmtree(copy)
    return None


def _of_commit(places: Places, commit: str, deployable: Deployable, directory: str) -> Callable[[Path], None]:
    def write(copy: Path) -> None:
        within = places.root.relative_to(places.repository.root).as_posix()
        path = join(join(within, deployable.worker.folder) or "", directory)
        if not path:
            return
        listed = read(places.repository, commit).matching(f"{path}/**")
        contents = git.objects(places.repository, [oid for _, oid in listed])
        _write(copy, {name.removeprefix(f"{path}/"): contents[oid] for name, oid in listed})

    return write


def _of_worktree(places: Places, deployable: Deployable, directory: str) -> Callable[[Path], None]:
    def write(copy: Path) -> None:
        built = places.root / deployable.worker.folder / directory
        _write(copy, {name: (built / name).read_bytes() for name in assets_in(built)})

    return write


def _write(copy: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
