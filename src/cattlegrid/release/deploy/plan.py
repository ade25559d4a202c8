"""What a deploy is going to do: everything decided, printable, and named by the live state it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cattlegrid.database.apply import DatabasePlan
from cattlegrid.errors import StalePlan
from cattlegrid.model.environment import Environment
from cattlegrid.model.stamp import Stamp
from cattlegrid.release.live import Live
from cattlegrid.secrets.push import PushPlan


@dataclass(frozen=True)
class WorkerStep:
    """One worker to deploy. `why` in a person's words; `assets` path to digest; `secrets` go up with the code.

    `before_version` is what is live, empty for a first deploy.
    """

    worker: str
    script: str
    stamp: Stamp
    why: str
    before_version: str
    secrets: PushPlan
    assets: Mapping[str, str] = field(default_factory=dict)

    @property
    def first(self) -> bool:
        return not self.before_version


@dataclass(frozen=True)
class DatabaseStep:
    """What one database needs, and the workers that may not go live when it fails."""

    plan: DatabasePlan
    workers: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.plan.database.name or self.plan.database.id


@dataclass(frozen=True)
class DeployPlan:
    """Databases first, then the waves of workers. `live` is the version of each worker that the plan was made from."""

    environment: Environment
    commit: str
    dirty: tuple[str, ...]
    databases: tuple[DatabaseStep, ...]
    waves: tuple[tuple[WorkerStep, ...], ...]
    unchanged: tuple[str, ...]
    live: Mapping[str, str]

    @property
    def workers(self) -> tuple[WorkerStep, ...]:
        return tuple(step for wave in self.waves for step in wave)

    @property
    def empty(self) -> bool:
        return not self.databases and not self.workers


def refuse_stale(planned: Mapping[str, str], live: Mapping[str, Live], environment: Environment) -> None:
    """Raises StalePlan when another version is live now than the one that the plan was made from."""
    moved = [
        f"{name} went from {_short(planned[name])} to {_short(live[name].version_id)}"
        for name in planned
        if name in live and live[name].version_id != planned[name]
    ]
    if moved:
        raise StalePlan(
            f"{environment} has moved since the plan was made: {'; '.join(moved)}",
            next="repeat the command: it plans anew",
        )


def _short(version_id: str) -> str:
    return version_id[:8] or "nothing"
