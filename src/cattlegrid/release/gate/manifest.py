"""The release, written out in full: what an approval is given to, and what is compared before production gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from cattlegrid.cloudflare import versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.stamp import DIGITS
from cattlegrid.model.target import Deployable
from cattlegrid.release import digests
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion.candidate import Part
from cattlegrid.release.promotion.files import whole_commit

_NOT_BYTES = ("assets", "site", "containers")


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


def pieces(
    client: Client, repository: Repository, parts: tuple[Part, ...], production: Mapping[str, Deployable]
) -> tuple[dict[str, Piece], Check]:
    """The pieces, and whether staging's bytes are those that their stamps name: both are read from Cloudflare now."""
    found = each(lambda part: _piece(client, repository, part, production[part.worker]), parts)
    wrong = [
        f"{part.worker}: staging's version {part.version[:8]} holds other bytes than its stamp names"
        for part, piece in zip(parts, found, strict=True)
        if piece.code[:DIGITS] != part.stamp.digests.code[:DIGITS]
        or piece.schema[:DIGITS] != part.stamp.digests.schema[:DIGITS]
    ]
    outcome = Outcome.FAIL if wrong else Outcome.PASS if parts else Outcome.NOT_MEASURED
    seen = "; ".join(wrong) or f"the modules of {len(parts)} workers are what their stamps name"
    return {part.worker: piece for part, piece in zip(parts, found, strict=True)}, Check("bytes", outcome, seen)


def _piece(client: Client, repository: Repository, part: Part, deployable: Deployable) -> Piece:
    if any(deployable.config.get(key) for key in _NOT_BYTES):
        code = part.stamp.digests.code
    else:
        code = digests.code(versions.modules(client, part.script, part.version)[0])
    commit = whole_commit(repository, part.stamp.commit, part.worker)
    return Piece(commit, code, digests.config(deployable), digests.schema(deployable))
