"""`rollback`: production goes back to what was last verified there, and is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cattlegrid.cloudflare import deployments, versions
from cattlegrid.errors import Refused
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Tell
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Deployable
from cattlegrid.release.examine import Place, announced, examine, surroundings
from cattlegrid.release.live import origin
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion.files import whole_commit, workers_at
from cattlegrid.release.rollback import plan as planning
from cattlegrid.release.rollback import run as running
from cattlegrid.release.rollback.plan import Past, RollbackPlan
from cattlegrid.settings import load
from cattlegrid.verbs.candidate import folder, live
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import locked, opened

PRODUCTION = Environment.PRODUCTION


@dataclass(frozen=True)
class RollbackOptions:
    """`keep_schema`: the older code is known to work with newer migrations. `old_secrets`: bring these back too."""

    dry_run: bool = False
    keep_schema: bool = False
    old_secrets: bool = False


@dataclass(frozen=True)
class RollbackReport:
    """`smoke` is None when nothing was switched. `problem` says what stopped it; empty for nothing."""

    plan: RollbackPlan
    switched: tuple[str, ...] = ()
    smoke: SmokeReport | None = None
    problem: str = ""

    @property
    def outcome(self) -> Outcome:
        if self.problem:
            return Outcome.FAIL
        return self.smoke.outcome if self.smoke is not None else Outcome.PASS


def rollback(
    edge: Edge,
    names: tuple[str, ...] = (),
    options: RollbackOptions = RollbackOptions(),
    *,
    confirm: Callable[[RollbackPlan], bool] = lambda _: True,
    tell: Tell = lambda _: None,
) -> RollbackReport:
    """Take the named workers back, or the whole release. Nothing to go back to is a pass: production stays as it is.

    Raises Refused: not confirmed, a schema that the older code never ran against, no earlier verified version, Locked.
    """
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    repository = git.find(fleet.root, edge.environ)
    with (
        opened(edge, fleet, PRODUCTION, tell) as (production, staging, missing),
        folder() as temporary,
        locked(edge, repository, PRODUCTION, "rollback"),
    ):
        found = {name: one for name, one in _past(production).items() if name in chosen}
        planned = planning.plan(found, whole=not names)
        _refuse_nowhere(planned)
        older = _older(repository, fleet, production, planned, temporary)
        planned = replace(planned, between=running.between(production.client, older.values()))
        if options.dry_run or not planned.steps:
            return RollbackReport(planned)
        if not options.keep_schema:
            running.refuse_schema(planned)
        if not confirm(planned):
            raise Refused("not confirmed; nothing was changed", next="cattlegrid rollback")
        journey = running.Journey(planned, production.client, older, options.old_secrets, tell)
        switched, problem = running.run(journey)
        workers = {**production.target.workers, **older}
        here = Place(production.client, replace(production.target, workers=workers))
        around = surroundings(fleet, here, staging, edge.environ, missing)
        report = announced(tell, PRODUCTION, lambda: examine(here, tuple(workers), around)) if switched else None
        return RollbackReport(planned, switched, report, problem)


def _past(production: Place) -> dict[str, Past]:
    now = live(production)
    history = each(lambda one: deployments.read(production.client, one.script), now.values())
    return {name: Past(one, deployed) for (name, one), deployed in zip(now.items(), history, strict=True)}


def _refuse_nowhere(planned: RollbackPlan) -> None:
    if not planned.steps and all("no earlier version" in why for _, why in planned.stays):
        raise Refused("no earlier release was verified in production: there is nothing to go back to")


def _older(
    repository: Repository, fleet: Fleet, production: Place, planned: RollbackPlan, into: Path
) -> dict[str, Deployable]:
    """The workers as the commits of the versions that they go back to have them. Raises Refused."""
    found = {}
    workers_of = workers_at(repository, fleet.root, PRODUCTION, into)
    for step in planned.steps:
        stamp, _ = origin(production.client, step.script, versions.read(production.client, step.script, step.to))
        if stamp is None:
            raise Refused(f"version {step.to[:8]} was verified, but carries no stamp of ours", where=step.worker)
        commit = whole_commit(repository, stamp.commit, step.worker)
        workers = workers_of(commit)
        if step.worker not in workers:
            raise Refused(f"commit {commit[:12]} has no such worker", where=step.worker)
        found[step.worker] = workers[step.worker]
    return found
