"""Deploy what changed to staging: pending migrations, then the workers in parallel, then smoke tests.

Production is not deployed to: it gets the bytes that staging ran, by `cattlegrid promote`.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.verbs.deploy import DeployReport


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and run nothing")
    parser.add_argument("--again", action="store_true", help="deploy the unchanged workers too")
    parser.add_argument("--allow-rollback", action="store_true", help="an older commit than what is live is meant")
    options.limit(parser, 2)
    options.summary(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.deploy import Options, deploy  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    chosen = Options(args.dry_run, args.allow_rollback, args.again, args.limit)
    with options.summarised(args.summary), show.telling() as tell:
        report = deploy(Edge.here(), environment, tuple(args.workers), chosen, tell=tell)
    show.report(report)
    _show(report, show, dry_run=args.dry_run)
    if args.summary:
        from cattlegrid.cli import summary  # noqa: PLC0415 - as above

        summary.append(args.summary, summary.deploy(report))
    return report.outcome.exit_code


def _show(report: DeployReport, show: Show, *, dry_run: bool) -> None:
    if dry_run or report.plan.empty:
        _plan(report, show)
    for broken in report.broken:
        show.line(f"  {show.paint('✗', 'red')} {broken.name} was left as it is: {broken.detail}")
    if report.ran is not None:
        for done in (*report.ran.databases, *report.ran.workers):
            if not done.ok:
                tried = "failed" if done.tried else "was not tried"
                show.line(f"  {show.paint('✗', 'red')} {done.name} {tried}: {done.detail}")
                if done.next:
                    show.line(f"    next: {done.next}")
    if report.smoke is not None:
        options.smoke_summary(show, report.smoke, all_of_them=False)


def _plan(report: DeployReport, show: Show) -> None:
    plan = report.plan
    dirty = f" and {len(plan.dirty)} uncommitted files" if plan.dirty else ""
    show.heading(report.environment, f"plan of commit {plan.commit[:12]}{dirty}")
    for step in plan.databases:
        pending = ", ".join(migration.name for migration in step.plan.pending) or "write the environment's marker"
        show.line(f"  database {step.name}: {pending}")
    for number, wave in enumerate(plan.waves, 1):
        for worker in wave:
            before = f"replaces {worker.before_version[:8]}" if worker.before_version else "first deploy"
            show.line(f"  {number}. {worker.worker} → {worker.script} ({before}): {worker.why}")
            if worker.secrets.put:
                show.line(f"     with secrets {', '.join(worker.secrets.put)}")
    if plan.unchanged:
        show.line(f"  unchanged: {', '.join(plan.unchanged)}")
    if plan.empty:
        show.line("  nothing to deploy")
