"""`status`: both environments side by side, and the next command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cattlegrid.model.environment import Environment
from cattlegrid.release import standing
from cattlegrid.release.standing import DatabaseStanding, WorkerStanding
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened


@dataclass(frozen=True)
class Status:
    """`missing` says which credential was not here, so that one environment was not looked at; empty for none."""

    fleet: str
    at: datetime
    workers: tuple[WorkerStanding, ...]
    databases: tuple[DatabaseStanding, ...]
    next: str
    why: str
    missing: str = ""


def status(edge: Edge, names: tuple[str, ...] = ()) -> Status:
    """Ask Cloudflare about every worker and database of both environments. Raises ConfigError, MissingCredential."""
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    with opened(edge, fleet, Environment.STAGING) as (staging, production, missing):
        places = {Environment.STAGING: staging}
        if production is not None:
            places[Environment.PRODUCTION] = production
        workers, databases = standing.read(places)
    workers = tuple(one for one in workers if one.worker in chosen)
    databases = tuple(one for one in databases if one.worker in chosen)
    command, why = standing.next_command(workers, databases)
    return Status(fleet.name, edge.clock.now(), workers, databases, command, why, missing)
