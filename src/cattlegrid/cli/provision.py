"""Create the D1 databases, KV namespaces, R2 buckets and queues that the wrangler files name and that are not there.

Ids are written into the wrangler files, and the environment's marker into each database. Nothing is ever deleted, and
what is there already is found by its name: the command can be repeated at any time.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.release.provision.plan import ProvisionPlan


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and create nothing")
    parser.add_argument(
        "--mark", action="store_true", help="databases that have tables and no marker are this environment's"
    )


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.provision import ProvisionOptions, provision  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    chosen = ProvisionOptions(args.dry_run, args.mark)
    with show.telling() as tell:
        report = provision(Edge.here(), environment, tuple(args.workers), chosen, tell=tell)
    show.report(report)
    if report.ran is None:
        _plan(report.plan, show)
    for line in (*report.plan.notes, *report.plan.by_hand):
        show.line(f"  {show.paint('!', 'yellow')} {line}")
    for orphan in report.plan.orphans:
        show.line(f"  {show.paint('?', 'yellow')} {orphan} is bound nowhere in this fleet; it is left as it is")
    if report.ran is not None and report.ran.problem:
        show.line(f"  {show.paint('✗', 'red')} {report.ran.problem}")
        show.line(f"    next: {report.ran.next}")
    if report.plan.limits:
        show.line(f"  {show.paint('·', 'dim')} {report.plan.limits}")
    show.heading(
        environment, f"provision {show.outcome(report.outcome)}  {_counted(report.plan, dry_run=args.dry_run)}"
    )
    return report.outcome.exit_code


def _plan(plan: ProvisionPlan, show: Show) -> None:
    show.table(
        [
            [
                show.paint("+" if step.action.value == "create" else "·", "green" if step.needed else "dim"),
                f"{step.wanted.kind} {step.wanted.name}",
                step.action.value,
                ", ".join(f"{use.worker}.{use.binding}" for use in step.wanted.uses),
                "; ".join(filter(None, ("marker to be written" if step.mark else "", step.note))),
            ]
            for step in plan.steps
        ]
    )


def _counted(plan: ProvisionPlan, *, dry_run: bool) -> str:
    new = sum(step.action.value == "create" for step in plan.steps)
    done = "to be created" if dry_run else "created"
    return f"{count(len(plan.steps), 'resource')}, {new} {done}"
