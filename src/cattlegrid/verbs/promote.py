"""`promote`: the candidate's very bytes go from staging to production, through the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cattlegrid import toolchain
from cattlegrid.errors import CattlegridError, MissingCredential, Refused
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Tell
from cattlegrid.model.version import Deployment
from cattlegrid.release import digests
from cattlegrid.release.deploy.plan import refuse_stale
from cattlegrid.release.examine import announced, examine, surroundings
from cattlegrid.release.gate import evaluate, records
from cattlegrid.release.gate.difference import Difference
from cattlegrid.release.gate.manifest import Manifest
from cattlegrid.release.live import Live
from cattlegrid.release.lock import clone_name
from cattlegrid.release.promotion import conditions, decide
from cattlegrid.release.promotion.decide import Meant, Measured, Seen
from cattlegrid.release.promotion.journey import Journey, Promoted
from cattlegrid.release.promotion.plan import PromotionPlan
from cattlegrid.release.promotion.run import run
from cattlegrid.release.promotion.turn import refuse_other
from cattlegrid.release.promotion.upload import Carrier
from cattlegrid.settings import load
from cattlegrid.verbs.candidate import differs, folder, gathered, live, look, now
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import git_folder, locked, opened
from cattlegrid.wrangler.run import pinned

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION


@dataclass(frozen=True)
class PromoteOptions:
    """`release` is the name of the release that is meant, as a dry run shows it; another candidate is then refused."""

    dry_run: bool = False
    release: str = ""
    meant: Meant = field(default_factory=Meant)
    limit: int = 4


@dataclass(frozen=True)
class PromoteReport:
    """`done` is None when nothing was run: a dry run, or production runs the candidate already (`plan.empty`)."""

    plan: PromotionPlan
    manifest: Manifest
    difference: Difference
    done: Promoted | None = None

    @property
    def outcome(self) -> Outcome:
        return self.done.outcome if self.done is not None else self.plan.outcome


def promote(
    edge: Edge,
    options: PromoteOptions = PromoteOptions(),
    *,
    tell: Tell = lambda _: None,
) -> PromoteReport:
    """Promote what staging runs. What goes wrong after the gate is in the report, with what is where.

    Raises GateClosed, StalePlan, Locked, Refused, and what reading raises; nothing was changed then.
    """
    fleet = load(edge.cwd)
    with opened(edge, fleet, PRODUCTION, tell) as (production, staging, missing), folder() as temporary:
        if staging is None:
            raise MissingCredential(f"staging cannot be read: {missing}", next="set the variable named above")
        seen = look(edge, fleet, staging, production, temporary, options.meant.said)
        plan = decide.plan(seen, _measured(edge, seen, tell), options.meant)
        _refuse_another(plan, options.release)
        manifest, difference = decide.manifest(seen), differs(seen)
        if options.dry_run or plan.empty:
            return PromoteReport(plan, manifest, difference)
        conditions.refuse_closed(plan.conditions)
        with locked(edge, seen.repository, PRODUCTION, "promote"):
            now_live = live(production)
            refuse_other(now_live, _clone(seen), now(edge, production))
            refuse_stale(plan.staging, live(staging), STAGING)
            refuse_stale(plan.production, now_live, PRODUCTION)
            conditions.refuse_closed(_still(edge, seen, {name: one.deployment for name, one in now_live.items()}))
            return PromoteReport(plan, manifest, difference, run(_journey(edge, seen, plan, temporary, options, tell)))


def _measured(edge: Edge, seen: Seen, tell: Tell) -> Measured:
    asked = "rehearsal" in seen.gate.rules.gate
    return Measured(_smoke_staging(edge, seen, tell), _rehearsal(edge, seen, tell) if asked else ())


def _rehearsal(edge: Edge, seen: Seen, tell: Tell) -> tuple[Check, ...]:
    """The candidate's migrations on copies of production's rows, read from what is checked out if it has the same."""
    here = {name: digests.schema(one) for name, one in seen.production.target.workers.items()}
    others = [name for name, piece in seen.gate.pieces.items() if here.get(name) != piece.schema]
    if others:
        detail = f"the migrations of {', '.join(others)} checked out here are not the candidate's; check its commit out"
        return (Check("rehearsal", Outcome.NOT_MEASURED, detail),)
    from cattlegrid.verbs.rehearse import rehearse  # noqa: PLC0415 - the whole mirror, which few gates ask for

    try:
        found = rehearse(edge, tuple(seen.gate.pieces), tell=tell)
    except CattlegridError as error:
        return (Check("rehearsal", Outcome.NOT_MEASURED, str(error)),)
    return (conditions.rehearsal(found.checks, found.rollback),)


def _smoke_staging(edge: Edge, seen: Seen, tell: Tell) -> SmokeReport:
    """Staging, examined by what the candidate's own commits declare."""
    workers = {**seen.staging.target.workers, **seen.commits.staging}
    here = replace(seen.staging, target=replace(seen.staging.target, workers=workers))
    around = surroundings(seen.fleet, here, seen.production, edge.environ)
    return announced(tell, STAGING, lambda: examine(here, tuple(workers), around))


def _journey(
    edge: Edge, seen: Seen, plan: PromotionPlan, temporary: Path, options: PromoteOptions, tell: Tell
) -> Journey:
    target = decide.target(seen)
    there = replace(seen.production, target=target)
    carrier = Carrier(
        wrangler=pinned(toolchain.locate(edge.environ)),
        environ=edge.environ,
        staging=seen.staging.client,
        production=seen.production.client,
        stored=seen.stored,
        folder=temporary / "upload",
        gathered=gathered(temporary),
    )
    return Journey(
        plan=plan,
        target=target,
        carrier=carrier,
        around=surroundings(seen.fleet, there, seen.staging, edge.environ),
        tell=tell,
        limit=options.limit,
        clone=_clone(seen),
        still=lambda newest: _still(edge, seen, newest),
    )


def _still(edge: Edge, seen: Seen, newest: Mapping[str, Deployment | None]) -> tuple[Check, ...]:
    """Approvals, rejections and holds as they are at this moment, on the remote and in production's deployments."""
    gate = replace(seen.gate, records=records.read(seen.repository), now=now(edge, seen.production))
    there = {name: Live(name, deployment) for name, deployment in newest.items()}
    return evaluate.said(gate, decide.manifest(seen), there)


def _clone(seen: Seen) -> str:
    return clone_name(git_folder(seen.repository))


def _refuse_another(plan: PromotionPlan, release: str) -> None:
    if release and release != plan.release:
        raise Refused(
            f"the candidate is now {plan.release}, not {release}: staging has moved since you looked",
            next="cattlegrid promote --dry-run",
        )
