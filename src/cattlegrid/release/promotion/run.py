"""Running a promotion: bookmark, migrations, upload at 0 %, smoke there, switch, smoke, and back again on failure."""

from __future__ import annotations

from dataclasses import replace

from cattlegrid.cloudflare import d1, scripts, versions
from cattlegrid.database import apply
from cattlegrid.errors import ApiError, CattlegridError, Failed, GateClosed
from cattlegrid.model.check import Outcome, SmokeReport
from cattlegrid.model.target import Database, Deployable
from cattlegrid.model.version import Deployment
from cattlegrid.release import live, subjects
from cattlegrid.release.deploy.order import waves
from cattlegrid.release.deploy.plan import DatabaseStep
from cattlegrid.release.examine import announced
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion import conditions, triggers, turn, upload
from cattlegrid.release.promotion.journey import PRODUCTION, Bookmark, Journey, Promoted, SoFar, switch, told
from cattlegrid.release.promotion.plan import How, PromotionStep
from cattlegrid.release.promotion.undo import give_back
from cattlegrid.release.smoke.run import Surroundings
from cattlegrid.release.smoke.run import run as smoke
from cattlegrid.release.smoke.subject import Subject


def run(journey: Journey) -> Promoted:
    """What Cloudflare, wrangler or a check says is not raised: the report tells what stopped it and what is where."""
    so_far = SoFar()
    try:
        _go(journey, so_far)
    except CattlegridError as error:
        undo = give_back(journey, so_far)
        return _report(journey, so_far, Outcome.FAIL, ". ".join((str(error), *undo)), error.next)
    if so_far.smoke_after is not None and so_far.smoke_after.outcome is Outcome.NOT_MEASURED:
        problem = "production runs the release, but not everything could be measured there: it is not verified"
        return _report(journey, so_far, Outcome.NOT_MEASURED, problem, "cattlegrid promote")
    return _report(journey, so_far, Outcome.PASS, "", "")


def _go(journey: Journey, so_far: SoFar) -> None:
    _bookmark(journey, so_far)
    _migrate(journey, so_far)
    _first_deploys(journey, so_far)
    _upload(journey, so_far)
    _smoke_ahead(journey, so_far)
    _switch(journey, so_far)
    _smoke_after(journey, so_far)
    if so_far.smoke_after is None or so_far.smoke_after.outcome is Outcome.PASS:
        _settle(journey, so_far)


def _bookmark(journey: Journey, so_far: SoFar) -> None:
    databases = {database.id: database for one in journey.target.workers.values() for database in one.databases}

    def one(database: Database) -> Bookmark:
        name = database.name or database.id
        try:
            return Bookmark(name, d1.bookmark(journey.client, database.id))
        except ApiError as error:
            return Bookmark(name, "", f"Time Travel gave no bookmark: {error.what}")

    so_far.bookmarks += each(one, [database for database in databases.values() if database.id])


def _migrate(journey: Journey, so_far: SoFar) -> None:
    def one(step: DatabaseStep) -> tuple[apply.Applied, ...]:
        # Noted file by file: when a later one fails, the report still tells of those before it.
        def done(applied: apply.Applied) -> None:
            so_far.migrated.append(f"{step.name}: {applied.name}")

        return told(journey, "migrate", step.name, lambda: apply.run(journey.client, step.plan, PRODUCTION, done=done))

    for step in journey.plan.databases:
        one(step)


def _first_deploys(journey: Journey, so_far: SoFar) -> None:
    """Scripts that do not exist yet get no traffic from users before they are there: they may go first."""
    firsts = [step for step in journey.plan.steps if step.how is How.DIRECT and not step.before_version]
    _direct(journey, firsts, so_far)


def _direct(journey: Journey, steps: list[PromotionStep], so_far: SoFar) -> None:
    by_name = {step.worker: step for step in steps}
    missing = frozenset(step.script for step in steps if not step.before_version)
    for wave in waves([journey.deployable(step) for step in steps], missing):

        def one(name: str) -> str:
            step = by_name[name]
            how = f"deploy ({step.because})"
            return told(journey, how, name, lambda: upload.direct(journey.carrier, step, journey.deployable(step)))

        so_far.direct |= dict(zip(wave, each(one, wave, limit=journey.limit), strict=True))


def _upload(journey: Journey, so_far: SoFar) -> None:
    def one(step: PromotionStep) -> None:
        deployable = journey.deployable(step)
        version = told(journey, "upload", step.worker, lambda: upload.ahead(journey.carrier, step, deployable))
        so_far.uploaded[step.worker] = version
        traffic, message = ((step.before_version, 100.0), (version, 0.0)), journey.mark("ahead", step)
        so_far.ahead.add(step.worker)
        stood = so_far.stands(step)
        so_far.made[step.worker] = turn.same(traffic, message)
        turn.claim(journey.client, step.script, traffic, message, stood)

    each(one, [step for step in journey.plan.steps if step.how is How.AHEAD], limit=journey.limit)


def _smoke_ahead(journey: Journey, so_far: SoFar) -> None:
    steps = [step for step in journey.plan.steps if step.worker in so_far.uploaded]
    if not steps:
        return

    def subject(step: PromotionStep) -> Subject:
        version = versions.read(journey.client, step.script, so_far.uploaded[step.worker])
        return subjects.subject(journey.client, journey.target, journey.deployable(step), version, ahead=True)

    found = tuple(each(subject, steps))
    report = _smoke(journey, found, journey.around, "smoke at 0 %")
    so_far.smoke_ahead = report
    _demand(report, "at 0 % of production's traffic")


def _refuse_stopped(journey: Journey, so_far: SoFar) -> None:
    """Somebody may have said no since the gate was looked at: then nothing goes on."""
    closed = conditions.closed(journey.still(_refuse_moved(journey, so_far)))
    if closed:
        raise GateClosed(f"the gate closed during the promotion: {'; '.join(closed)}", next="cattlegrid status")


def _refuse_moved(journey: Journey, so_far: SoFar) -> dict[str, Deployment | None]:
    """Nothing is replaced that somebody else put there. Each worker's newest deployment."""
    names = {name: one.script for name, one in journey.target.workers.items()}
    newest = dict(zip(names, each(lambda script: turn.newest(journey.client, script), names.values()), strict=True))
    for step in journey.plan.steps:
        if step.before_version or step.worker in so_far.direct:
            turn.refuse_moved(journey.client, step.script, newest[step.worker], so_far.stands(step))
    return newest


def _switch(journey: Journey, so_far: SoFar) -> None:
    _refuse_stopped(journey, so_far)
    late = [step for step in journey.plan.steps if step.how is How.DIRECT and step.before_version]
    _direct(journey, late, so_far)

    def one(step: PromotionStep) -> None:
        version = so_far.uploaded[step.worker]
        so_far.switched[step.worker] = version
        told(journey, "switch", step.worker, lambda: switch(journey, so_far, step, version, "live"))

    each(one, [step for step in journey.plan.steps if step.worker in so_far.uploaded])


def _smoke_after(journey: Journey, so_far: SoFar) -> None:
    found, gaps = subjects.of(
        journey.client, journey.target, live.read_live(journey.client, journey.target, journey.target.workers)
    )
    around = replace(journey.around, gaps=(*journey.around.gaps, *gaps))
    report = _smoke(journey, found, around, "smoke")
    so_far.smoke_after = report
    if report.outcome is Outcome.FAIL:
        _demand(report, "after the switch")


def _settle(journey: Journey, so_far: SoFar) -> None:
    """What belongs to no version, and then the word that this release is verified in production."""

    def one(step: PromotionStep) -> None:
        deployable = journey.deployable(step)
        version = {**so_far.uploaded, **so_far.direct}.get(step.worker, step.before_version)
        if step.how is not How.DIRECT:
            _settings(journey, step, deployable)
        switch(journey, so_far, step, version, "verified")

    _refuse_moved(journey, so_far)
    each(one, journey.plan.steps, limit=journey.limit)


def _settings(journey: Journey, step: PromotionStep, deployable: Deployable) -> None:
    config = deployable.config
    unversioned = {key: config[key] for key in ("observability", "logpush", "tail_consumers") if key in config}
    if unversioned:
        scripts.set_settings(journey.client, step.script, unversioned)
    if not triggers.as_declared(journey.client, deployable):
        told(journey, "triggers", step.worker, lambda: upload.triggers(journey.carrier, step, deployable))


def _smoke(journey: Journey, found: tuple[Subject, ...], around: Surroundings, step: str) -> SmokeReport:
    client = journey.client
    return announced(journey.tell, PRODUCTION, lambda: smoke(client.http, found, around, client.clock), step=step)


def _demand(report: SmokeReport, where: str) -> None:
    if report.outcome is Outcome.PASS:
        return
    bad = [check for check in report.checks if check.outcome is not Outcome.PASS]
    words = "; ".join(f"{check.worker} {check.name}: {check.detail}" for check in bad[:3])
    more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
    raise Failed(f"smoke {where}: {report.outcome}: {words}{more}")


def _report(journey: Journey, so_far: SoFar, outcome: Outcome, problem: str, next: str) -> Promoted:
    return Promoted(
        bookmarks=tuple(so_far.bookmarks),
        migrated=tuple(so_far.migrated),
        ahead=so_far.smoke_ahead,
        after=so_far.smoke_after,
        switched=tuple(so_far.switched),
        returned=tuple(so_far.returned),
        live=_versions_now(journey),
        problem=problem,
        next=next or ("cattlegrid status" if problem else ""),
        outcome=outcome,
    )


def _versions_now(journey: Journey) -> dict[str, str]:
    """What production runs, read back and not remembered; empty when it cannot be read."""
    try:
        return {
            name: one.version_id
            for name, one in live.read_live(journey.client, journey.target, journey.target.workers).items()
        }
    except ApiError:
        return {}
