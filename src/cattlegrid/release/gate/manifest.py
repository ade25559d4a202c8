"""The release, written out in full: what an approval is given to, and what is compared before production gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cattlegrid.cloudflare import versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.stamp import DIGITS
from cattlegrid.model.target import Deployable
from cattlegrid.release import digests
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion import assets
from cattlegrid.release.promotion.assets import Places
from cattlegrid.release.promotion.candidate import Part
from cattlegrid.release.promotion.files import whole_commit
from cattlegrid.wrangler.bundle import assets_directory

_NOT_BYTES = ("site", "containers")


@dataclass(frozen=True)
class Grounds:
    """Where the gate is read from. `root` is where the fleet lies in the working tree, `into` a folder of our own.

    `tested` and `production` are the workers of the candidate's commits in the two environments.
    """

    repository: Repository
    root: Path
    staging: Client
    parts: tuple[Part, ...]
    tested: Mapping[str, Deployable]
    production: Mapping[str, Deployable]
    into: Path

    @property
    def places(self) -> Places:
        return Places(self.repository, self.root, self.into)


@dataclass(frozen=True)
class Piece:
    """One worker of a release. Whole SHA-256 digests, computed anew from staging's bytes and the commit's files; `code`
    is the stamp's shorter one for what is not moved as bytes.
    """

    commit: str
    code: str
    config: str
    schema: str


@dataclass(frozen=True)
class Manifest:
    """`name` is the release's short name, `workers` what it is made of."""

    fleet: str
    environment: str
    name: str
    workers: Mapping[str, Piece]

    @property
    def document(self) -> dict[str, object]:
        return asdict(self)


def pieces(grounds: Grounds) -> tuple[dict[str, Piece], Check]:
    """The pieces, and whether the bytes are those that their stamps name: staging's modules are read from Cloudflare
    now, and static assets found again.
    """
    found = each(lambda part: _piece(grounds, part), grounds.parts)
    wrong = [said for _, said in found if said]
    outcome = Outcome.FAIL if wrong else Outcome.PASS if found else Outcome.NOT_MEASURED
    seen = "; ".join(wrong) or f"the modules of {len(found)} workers are what their stamps name"
    by_name = {part.worker: piece for part, (piece, _) in zip(grounds.parts, found, strict=True)}
    return by_name, Check("bytes", outcome, seen)


def _piece(grounds: Grounds, part: Part) -> tuple[Piece, str]:
    """The piece, and what is wrong with it, in words."""
    deployable, tested, stamped = grounds.production[part.worker], grounds.tested[part.worker], part.stamp.digests
    commit = whole_commit(grounds.repository, part.stamp.commit, part.worker)
    code: str | None
    if directory := assets_directory(tested):
        code = assets.reproduce(grounds.places, grounds.staging, part, commit, tested)
    else:
        code = digests.code(versions.modules(grounds.staging, part.script, part.version)[0])
    piece = Piece(commit, code or stamped.code, digests.config(deployable), digests.schema(deployable))
    if key := next((key for key in _NOT_BYTES if deployable.config.get(key)), ""):
        return piece, f"{part.worker}: it has {key}, which cannot be moved as bytes: cattlegrid does not promote it"
    if code is None:
        lost = f"{part.worker}: the static assets in {directory} are not the ones that staging was tested with"
        return piece, f"{lost}; check {commit[:12]} out, build them and try again"
    if piece.code[:DIGITS] != stamped.code[:DIGITS] or piece.schema[:DIGITS] != stamped.schema[:DIGITS]:
        return piece, f"{part.worker}: staging's version {part.version[:8]} holds other bytes than its stamp names"
    return piece, ""
