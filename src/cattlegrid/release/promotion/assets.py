"""A worker's static assets, which Cloudflare does not give back: found again, and compared with what staging tested."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
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
    for files in _candidates(places, commit, deployable.worker.folder, directory):
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True)
        _write(copy, files)
        found = digests.code(modules, assets_in(copy))
        if found[:DIGITS] == part.stamp.digests.code[:DIGITS]:
            return found
    shutil.rmtree(copy)
    return None


def _candidates(places: Places, commit: str, worker: str, directory: str) -> Iterator[Mapping[str, bytes]]:
    """The files in `directory` of the worker's folder: as the commit has them, then as the working tree has."""
    within = places.root.relative_to(places.repository.root).as_posix()
    if path := join(join(within, worker) or "", directory):
        listed = read(places.repository, commit).matching(f"{path}/**")
        contents = git.objects(places.repository, [oid for _, oid in listed])
        yield {name.removeprefix(f"{path}/"): contents[oid] for name, oid in listed}
    built = places.root / worker / directory
    yield {name: (built / name).read_bytes() for name in assets_in(built)}


def _write(copy: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
