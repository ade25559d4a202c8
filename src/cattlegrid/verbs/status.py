"""`status`: both environments side by side, and the next command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from cattlegrid.errors import UsageError
from cattlegrid.git import repository as git
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.release import standing
from cattlegrid.release.examine import Place
from cattlegrid.release.gate import records
from cattlegrid.release.gate.records import Kind
from cattlegrid.release.provision.orphans import Left, left_in_staging
from cattlegrid.release.standing import DatabaseStanding, WorkerStanding
from cattlegrid.release.target import deployables
from cattlegrid.settings import load
from cattlegrid.verbs.backup import newest
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened


@dataclass(frozen=True)
class Status:
    """`backups` are, by the name of each of production's databases, when its last good backup was taken; None for
    never, as far as the fleet's backup folder knows.

    `missing` says which credential was not here, so that one environment was not looked at; empty for none.

    `left` are staging's resources that no wrangler file names any more; looked for when no worker was named.
    `stops` are the holds on production that people keep in git, and why these could not be fetched when they could not.
    """

    fleet: str
    at: datetime
    workers: tuple[WorkerStanding, ...]
    databases: tuple[DatabaseStanding, ...]
    next: str
    why: str
    missing: str = ""
    stops: tuple[str, ...] = ()
    left: Left = field(default_factory=Left)
    backups: tuple[tuple[str, datetime | None], ...] = ()


def status(edge: Edge, names: tuple[str, ...] = ()) -> Status:
    """Ask Cloudflare about every worker and database of both environments. Raises ConfigError, MissingCredential."""
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    with opened(edge, fleet, Environment.STAGING) as (staging, production, missing):
        places = {Environment.STAGING: staging}
        if production is not None:
            places[Environment.PRODUCTION] = production
        with ThreadPoolExecutor(2) as threads:
            stops = threads.submit(_stops, edge, fleet)
            left = None if names else threads.submit(_left, staging, fleet)
            workers, databases = standing.read(places)
    workers = tuple(one for one in workers if one.worker in chosen)
    databases = tuple(one for one in databases if one.worker in chosen)
    command, why = standing.next_command(workers, databases)
    found = left.result() if left is not None else Left()
    now, backups = edge.clock.now(), _backups(fleet, databases)
    return Status(fleet.name, now, workers, databases, command, why, missing, stops.result(), found, backups)


def _left(staging: Place, fleet: Fleet) -> Left:
    return left_in_staging(staging.client, staging.target.workers, deployables(fleet, Environment.PRODUCTION))


def _backups(fleet: Fleet, databases: tuple[DatabaseStanding, ...]) -> tuple[tuple[str, datetime | None], ...]:
    folder = fleet.root / fleet.backup.folder
    names = [one.name for one in databases if one.environment is Environment.PRODUCTION and one.name]
    return tuple((name, newest(folder, name)) for name in dict.fromkeys(names))


def _stops(edge: Edge, fleet: Fleet) -> tuple[str, ...]:
    """Holds that nobody has tried to lift. Whether a lift counts is the gate's to say."""
    try:
        found = records.read(git.find(fleet.root, edge.environ))
    except UsageError:
        return ()
    standing_still = [one for one in found.of(Kind.HOLD) if not found.of(Kind.LIFT, one.id)]
    lines = [f"is held by {one.by or 'somebody'}: {one.reason or one.problem} ({one.id})" for one in standing_still]
    return (*lines, *((found.unread,) if found.unread else ()))
