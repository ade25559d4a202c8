"""Reading the candidate: what staging runs, as its own commits have it, and the gate in front of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cattlegrid.errors import ConfigError, Refused
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Check
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Deployable
from cattlegrid.release.examine import Place
from cattlegrid.release.gate import difference, evaluate
from cattlegrid.release.gate.difference import Difference
from cattlegrid.release.gate.evaluate import Said
from cattlegrid.release.gate.manifest import Grounds, Manifest, pieces
from cattlegrid.release.live import Live, read_live
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion import candidate, decide
from cattlegrid.release.promotion.decide import Commits, Seen
from cattlegrid.release.promotion.files import whole_commit, workers_at
from cattlegrid.release.promotion.plan import production_stamp
from cattlegrid.secrets import store
from cattlegrid.verbs.edge import Edge

PRODUCTION = Environment.PRODUCTION


def look(edge: Edge, fleet: Fleet, staging: Place, production: Place, temporary: Path, said: Said) -> Seen:
    """Everything that a promotion is planned from. Raises Refused, ConfigError, ApiError."""
    repository = git.find(fleet.root, edge.environ)
    here, there = each(live, (staging, production))
    grounds, commits = _grounds(fleet, repository, staging, here, temporary)
    running = evaluate.running(production.client, there)
    return Seen(
        fleet=fleet,
        repository=repository,
        staging=staging,
        production=production,
        parts=grounds.parts,
        staging_live=here,
        production_live=there,
        commits=commits,
        stored=store.read(fleet, PRODUCTION, edge.environ),
        staging_stored=store.read(fleet, Environment.STAGING, edge.environ),
        gate=evaluate.read(grounds, running, said, now(edge, staging), edge.environ),
        running=_running(repository, fleet, there, temporary / "before"),
    )


@dataclass(frozen=True)
class Candidate:
    """What staging runs, as far as it can be told without a way to production."""

    manifest: Manifest
    checks: tuple[Check, ...]


def of_staging(fleet: Fleet, repository: Repository, staging: Place, temporary: Path) -> Candidate:
    """Raises Refused, ConfigError, ApiError."""
    here = live(staging)
    grounds, commits = _grounds(fleet, repository, staging, here, temporary)
    found, same = pieces(grounds)
    stamps = {part.worker: production_stamp(part, commits.production[part.worker]) for part in grounds.parts}
    manifest = Manifest(fleet.name, PRODUCTION.value, candidate.release_name(stamps), found)
    return Candidate(manifest, (*candidate.check(here), same))


def _grounds(
    fleet: Fleet, repository: Repository, staging: Place, here: Mapping[str, Live], temporary: Path
) -> tuple[Grounds, Commits]:
    parts = candidate.parts(here)
    commits = decide.commits(repository, fleet.root, parts, temporary / "commits")
    tested, production = commits.staging, commits.production
    return Grounds(repository, fleet.root, staging.client, parts, tested, production, gathered(temporary)), commits


def gathered(temporary: Path) -> Path:
    """Where the gate puts what it reads of commits, and the static assets that it has found again."""
    return temporary / "gate"


def differs(seen: Seen) -> Difference:
    """What the candidate would change in production."""
    stamps = {name: one.stamp for name, one in seen.production_live.items()}
    return difference.of(seen.repository, seen.gate.pieces, stamps, seen.running, seen.commits.production)


def _running(
    repository: Repository, fleet: Fleet, production: Mapping[str, Live], into: Path
) -> Mapping[str, Deployable]:
    """Production's workers as the commits that it runs have them, as far as this clone can tell."""
    found: dict[str, Deployable] = {}
    workers = workers_at(repository, fleet.root, PRODUCTION, into)
    for name, one in production.items():
        if one.stamp is None:
            continue
        try:
            known = workers(whole_commit(repository, one.stamp.commit, name))
        except (Refused, ConfigError):
            continue
        if name in known:
            found[name] = known[name]
    return found


def now(edge: Edge, place: Place) -> datetime:
    """The time by Cloudflare's clock, as its answers tell it: a soak and an expiry do not believe this machine's."""
    return edge.clock.now() + timedelta(seconds=place.client.behind)


def live(place: Place) -> dict[str, Live]:
    return read_live(place.client, place.target, place.target.workers)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder outside the repository that only this user can enter, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="cattlegrid-promote-") as path:
        yield Path(path)
