"""`deploy`: what changed goes to staging, migrations first, and is smoke-tested there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cattlegrid import toolchain
from cattlegrid.errors import ApiError, Refused
from cattlegrid.model.change import Change, Reason, Verdict
from cattlegrid.model.check import Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Tell
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Target
from cattlegrid.release import detect
from cattlegrid.release.deploy import decide
from cattlegrid.release.deploy.plan import DeployPlan, refuse_stale
from cattlegrid.release.deploy.run import Ran, StepDone, Tools, run
from cattlegrid.release.detect import Detected
from cattlegrid.release.examine import Place, announced, examine, surroundings
from cattlegrid.release.live import Live, read_live
from cattlegrid.release.source import Source, checked_out
from cattlegrid.secrets import store
from cattlegrid.settings import load
from cattlegrid.toolchain import Toolchain
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import locked, opened
from cattlegrid.wrangler.run import Wrangler, choose


@dataclass(frozen=True)
class Options:
    """`again` deploys workers that did not change too. `limit` is how many are built and deployed at once."""

    dry_run: bool = False
    allow_rollback: bool = False
    again: bool = False
    limit: int = 2


@dataclass(frozen=True)
class DeployReport:
    """`ran` and `smoke` are None when nothing was run: a dry run, or nothing to deploy (`plan.empty`).

    `broken` are workers that could not be built or whose live state could not be read; they were left as they are.
    """

    environment: Environment
    changes: tuple[Change, ...]
    plan: DeployPlan
    broken: tuple[StepDone, ...]
    ran: Ran | None = None
    smoke: SmokeReport | None = None

    @property
    def outcome(self) -> Outcome:
        """Nothing to deploy passes: there is nothing wrong. A failed step or check does not."""
        if self.broken or (self.ran is not None and not self.ran.ok):
            return Outcome.FAIL
        return self.smoke.outcome if self.smoke is not None else Outcome.PASS


def deploy(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    options: Options = Options(),
    *,
    tell: Tell = lambda _: None,
) -> DeployReport:
    """Deploy the named workers, or all, where they differ from what is live.

    Raises Refused for production and for what the plan refuses, Locked, StalePlan, and what reading raises. A worker
    that fails does not raise: it is in the report, and its change will be found again.
    """
    if environment is not Environment.STAGING:
        raise Refused(
            "nothing is deployed to production: it gets the bytes that staging ran", next="cattlegrid promote"
        )
    fleet = load(edge.cwd)
    chosen = tuple(worker.name for worker in fleet.named(names))
    parts = toolchain.locate(edge.environ)
    source = checked_out(fleet, edge.environ)
    with (
        opened(edge, fleet, environment, tell) as (here, other, why_not),
        locked(edge, source.repository, environment, "deploy"),
    ):
        stored = store.read(fleet, environment, edge.environ)
        state = detect.read_state(here.client, here.target, chosen)
        detected = _detect(edge, source, here, state, parts, options, tell)
        wanted = _wanted(source, here, state, detected)
        plan = decide.plan(here.client, wanted, stored, allow_rollback=options.allow_rollback)
        report = DeployReport(environment, tuple(one.change for one in detected), plan, _broken(detected, state))
        if options.dry_run or plan.empty:
            return report
        refuse_stale(plan.live, read_live(here.client, here.target, tuple(plan.live)), environment)
        wranglers = _wranglers(edge, fleet, here.target, plan, parts)
        ran = run(plan, Tools(here.client, here.target, wranglers, edge.environ, stored, tell, options.limit))
        around = surroundings(fleet, here, other, edge.environ, why_not)
        return replace(report, ran=ran, smoke=announced(tell, environment, lambda: examine(here, chosen, around)))


def _detect(
    edge: Edge,
    source: Source,
    here: Place,
    state: Mapping[str, Live | ApiError],
    parts: Toolchain,
    options: Options,
    tell: Tell,
) -> tuple[Detected, ...]:
    builder = detect.Builder(lambda: parts, edge.environ, options.limit)
    found = detect.detect(source, here.target, state, builder, tell, build_all=True)
    if not options.again:
        return found
    # As if nothing were live: every worker is built, and none is found unchanged.
    nothing = {name: Live(here.target.workers[name].script) for name in state}
    anew = detect.detect(source, here.target, nothing, builder, tell, build_all=True)
    said = Reason("live", "it is deployed again because --again says so")
    return tuple(
        replace(new, change=replace(old.change, verdict=Verdict.CHANGED, reasons=(said,), now=new.change.now))
        if old.change.verdict is Verdict.UNCHANGED
        else old
        for old, new in zip(found, anew, strict=True)
    )


def _wanted(
    source: Source, here: Place, state: Mapping[str, Live | ApiError], detected: tuple[Detected, ...]
) -> decide.Wanted:
    alive = {name: found for name, found in state.items() if isinstance(found, Live)}
    return decide.Wanted(
        source=source,
        environment=here.target.environment,
        workers={name: here.target.workers[name] for name in alive},
        live=alive,
        detected=tuple(one for one in detected if one.change.worker in alive),
    )


def _broken(detected: tuple[Detected, ...], state: Mapping[str, Live | ApiError]) -> tuple[StepDone, ...]:
    return tuple(
        StepDone(one.change.worker, ok=False, tried=False, detail=one.change.why, next="cattlegrid deploy")
        for one in detected
        if one.error is not None or isinstance(state[one.change.worker], ApiError)
    )


def _wranglers(edge: Edge, fleet: Fleet, target: Target, plan: DeployPlan, parts: Toolchain) -> dict[str, Wrangler]:
    return {
        step.worker: choose(parts, target.workers[step.worker].folder, fleet.root, edge.environ)
        for step in plan.workers
    }
