"""Move the candidate, what staging runs now, to production: the same bytes, smoked at 0 % of traffic, then switched.

On a terminal it shows what would happen and asks. Elsewhere name the release that --dry-run showed: --release NAME.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.release.promotion.journey import Promoted
    from cattlegrid.release.promotion.plan import PromotionPlan, PromotionStep
    from cattlegrid.verbs.promote import PromoteReport

_PRODUCTION = Environment.PRODUCTION


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show the release, the gate and the plan; run nothing")
    parser.add_argument("--release", default="", metavar="NAME", help="the release that is meant; any other is refused")
    parser.add_argument("--allow-rollback", action="store_true", help="an older commit than production's is meant")
    parser.add_argument("--replace-drift", action="store_true", help="what somebody else deployed may be replaced")
    parser.add_argument(
        "--rules", default="", metavar="COMMIT", help="whose rules judge the first promotion ever (the candidate's)"
    )
    options.limit(parser, 4)
    options.evidence(parser)
    options.summary(parser)


def run(args: Namespace, show: Show) -> int:
    with options.summarised(args.summary):
        return _run(args, show)


def _run(args: Namespace, show: Show) -> int:
    from cattlegrid.process import lineage  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.release.gate.evaluate import Said  # noqa: PLC0415 - as above
    from cattlegrid.release.gate.people import at_work  # noqa: PLC0415 - as above
    from cattlegrid.release.promotion.decide import Meant  # noqa: PLC0415 - as above
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above
    from cattlegrid.verbs.promote import PromoteOptions, promote  # noqa: PLC0415 - as above

    edge, release = Edge.here(), args.release
    person = at_work(lineage(), edge.environ, terminal=sys.stdin.isatty() and show.live)
    meant = Meant(args.allow_rollback, args.replace_drift, Said(person, args.rules))
    if args.dry_run or not release:
        with show.telling() as tell:
            report = promote(edge, PromoteOptions(dry_run=True, release=release, meant=meant), tell=tell)
        _plan(report, show)
        if args.dry_run or report.plan.empty:
            show.report(report)
            _write(args, report)
            return 0 if report.plan.empty else _gate_code(report.plan)
        if _gate_code(report.plan) == 0:
            release = _asked(report.plan, show)
    with show.telling() as tell:
        report = promote(edge, PromoteOptions(release=release, meant=meant, limit=args.limit), tell=tell)
    show.report(report)
    _write(args, report)
    if report.done is not None:
        _done(report.done, show)
    elif args.release:
        _plan(report, show)
    return report.outcome.exit_code if report.done is not None else 0


def _write(args: Namespace, report: PromoteReport) -> None:
    if args.summary:
        from cattlegrid.cli import summary  # noqa: PLC0415 - HTML, for who asked

        summary.append(args.summary, summary.promote(report))
    if args.evidence:
        from cattlegrid.release.gate.evidence import statement  # noqa: PLC0415 - as above

        done = report.done
        after = [check for one in (done.ahead, done.after) if one is not None for check in one.checks] if done else []
        options.write(args.evidence, statement(report.manifest, (*report.plan.conditions, *after)))


def _gate_code(plan: PromotionPlan) -> int:
    return 0 if plan.outcome is Outcome.PASS else 3


def _asked(plan: PromotionPlan, show: Show) -> str:
    """A person at a terminal types the word; anything else has to name the release."""
    if not (sys.stdin.isatty() and show.live):
        raise Refused(
            "promotion needs a person at a terminal, or the release by name",
            next=f"cattlegrid promote --release {plan.release}",
        )
    if show.ask(f"Type {show.environment(_PRODUCTION)} to promote release {plan.release}: ") != _PRODUCTION.value:
        raise Refused("not confirmed; nothing was changed", next="cattlegrid promote")
    return plan.release


def _plan(report: PromoteReport, show: Show) -> None:
    from cattlegrid.cloudflare import pace  # noqa: PLC0415 - --help needs none of this

    plan = report.plan
    if plan.empty:
        show.heading(_PRODUCTION, f"runs release {plan.release} already; nothing to promote")
        return
    show.heading(_PRODUCTION, f"release {show.paint(plan.release, 'bold')}")
    show.table([_step(step, show) for step in plan.steps])
    if plan.unchanged:
        show.line(f"  unchanged: {', '.join(plan.unchanged)}")
    for database in plan.databases:
        pending = ", ".join(migration.name for migration in database.plan.pending) or "the environment's marker"
        show.line(f"  database {database.name}: {pending}")
    if paced := pace.told(plan.calls):
        show.line(f"  {paced}")
    options.difference(show, report.difference)
    show.line(f"  gate: {plan.rules}")
    options.checks(show, plan.conditions, all_of_them=True)


def _step(step: PromotionStep, show: Show) -> list[str]:
    before = f"{step.before.commit[:12]} {step.before.digests.code[:8]}" if step.before else "nothing"
    after = f"{step.stamp.commit[:12]} {step.stamp.digests.code[:8]}"
    because = f" ({step.because})" if step.because else ""
    return [step.worker, f"{before} → {after}", show.paint(f"{step.how.value}{because}", "dim")]


def _done(done: Promoted, show: Show) -> None:
    for bookmark in done.bookmarks:
        how = f"to go back: {bookmark.restore}" if bookmark.restore else bookmark.detail
        show.line(f"  database {bookmark.database}: {how}")
    for report in (done.ahead, done.after):
        if report is not None and report.outcome is not Outcome.PASS:
            options.smoke_summary(show, report, all_of_them=False)
    if done.returned:
        show.line(f"  switched back: {', '.join(done.returned)}")
    for worker, version in done.live.items():
        show.line(f"  {show.environment(_PRODUCTION)} {worker} runs {version}")
    if done.problem:
        show.line(f"  {show.paint('✗', 'red')} {done.problem}")
        if done.next:
            show.line(f"  next: {done.next}")
    elif done.after is not None:
        show.heading(_PRODUCTION, f"verified {show.outcome(done.after.outcome)}  {done.after.examined}")
