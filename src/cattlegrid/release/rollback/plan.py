"""Where each worker would go back to, as data: never "the previous version", always one that production verified."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cattlegrid.model.version import Deployment
from cattlegrid.release.live import Live
from cattlegrid.release.promotion import marks, verified


@dataclass(frozen=True)
class Between:
    """Migrations that a database has and the older code's commit does not know. `restore` undoes them, and every row
    written since.
    """

    database: str
    migrations: tuple[str, ...]
    restore: str


@dataclass(frozen=True)
class RollbackStep:
    """From the live version to one that was verified. `last` is the one verified before that; `held` names the release
    that production is held at.
    """

    worker: str
    script: str
    live: str
    to: str
    held: str
    last: str
    why: str


@dataclass(frozen=True)
class RollbackPlan:
    """`stays` are (worker, why). `between` are the databases that the older code never ran against as they are now."""

    steps: tuple[RollbackStep, ...]
    stays: tuple[tuple[str, str], ...]
    between: tuple[Between, ...] = ()


@dataclass(frozen=True)
class Past:
    """One worker's live state and its deployments, newest first."""

    live: Live
    deployments: Sequence[Deployment]

    @property
    def mark(self) -> marks.Mark | None:
        """The mark of what is live. A secret that changed on marked code leaves the mark in force."""
        if self.live.deployment is None:
            return None
        own = marks.read(self.live.deployment.message)
        if own is not None or not self.live.kept_code:
            return own
        return next(filter(None, (marks.read(one.message) for one in self.deployments)), None)

    @property
    def marked_at(self) -> datetime | None:
        return next((one.created_on for one in self.deployments if marks.read(one.message) is not None), None)


def plan(past: Mapping[str, Past], *, whole: bool) -> RollbackPlan:
    """`whole`: the fleet goes back. When something runs that was never verified, that alone goes back; otherwise the
    newest release is what has to go. Without `whole`, each of these workers goes back.
    """
    unproven = {name for name, one in past.items() if _unproven(one)}
    newest = _newest_release(past)
    steps, stays = [], []
    for name, one in past.items():
        away = not whole or (not unproven and _release(one) == newest)
        if why := _stays(one, leave=away or name in unproven):
            stays.append((name, why))
        elif found := _step(name, one, proven=name not in unproven):
            steps.append(found)
        else:
            stays.append((name, "has no earlier version that was verified in production"))
    return RollbackPlan(tuple(steps), tuple(stays))


def _stays(one: Past, *, leave: bool) -> str:
    """Why a worker stays as it is; empty when it has to go back."""
    mark = one.mark
    if one.live.version is None:
        return "is not deployed"
    if mark is not None and mark.stage == "held":
        return f"was rolled back already and is held at {mark.release}"
    return "" if leave and (mark is None or mark.stage != "returned") else "runs what was last verified"


def _release(one: Past) -> str:
    """The release of what is live; of a worker that was rolled back already, the release that it left."""
    proven = [mark for deployment in one.deployments if (mark := marks.read(deployment.message)) and mark.proven]
    if not proven or proven[0].stage == "verified":
        return proven[0].release if proven else ""
    return next((mark.release for mark in proven[1:] if mark.release != proven[0].release), "")


def _unproven(one: Past) -> bool:
    mark = one.mark
    return one.live.version is not None and (mark is None or mark.stage in {"ahead", "live"})


def _newest_release(past: Mapping[str, Past]) -> str:
    """The release that has to go: the one that came last, whether or not some of its workers have gone already."""
    dated = [(one.marked_at, _release(one)) for one in past.values() if one.marked_at is not None]
    return max(dated)[1] if dated else ""


def _step(name: str, one: Past, *, proven: bool) -> RollbackStep | None:
    to = verified.before(one.deployments) if proven else verified.good(one.deployments)
    if not to:
        return None
    held, last = _of_version(to, one.deployments)
    mark = one.mark
    why = f"leaves release {mark.release}" if proven and mark else "runs what was never verified"
    return RollbackStep(name, one.live.script, one.live.version_id, to, held, last, why)


def _of_version(version: str, deployments: Sequence[Deployment]) -> tuple[str, str]:
    """(release, version verified before it). Of one that Cloudflare shows no longer: a name made from the version."""
    for deployment in deployments:
        mark = marks.read(deployment.message)
        if mark is not None and mark.proven and verified.serving(deployment) == version:
            return mark.release, mark.last
    return hashlib.sha256(version.encode()).hexdigest()[:12], ""
