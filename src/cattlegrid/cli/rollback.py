"""Take production back to the last release that was verified there, whole or by worker, and hold it there.

Promotions are refused afterwards until somebody lifts the hold: cattlegrid unhold. Databases are not touched: when they
have migrations that the older code never ran against, it refuses and names them.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.release.rollback.plan import RollbackPlan

_PRODUCTION = Environment.PRODUCTION


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    parser.add_argument("--dry-run", action="store_true", help="show where it would go; run nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--keep-schema", action="store_true", help="the older code works with the newer migrations")
    parser.add_argument("--old-secrets", action="store_true", help="bring back the secrets of the older version too")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.rollback import RollbackOptions, rollback  # noqa: PLC0415 - as above

    chosen = RollbackOptions(args.dry_run, args.keep_schema, args.old_secrets)

    def confirm(planned: RollbackPlan) -> bool:
        _plan(planned, show)
        return args.yes or _asked(show)

    with show.telling() as tell:
        report = rollback(Edge.here(), tuple(args.workers), chosen, confirm=confirm, tell=tell)
    show.report(report)
    if args.dry_run or not report.plan.steps:
        _plan(report.plan, show)
        return 0
    if report.problem:
        show.line(f"  {show.paint('✗', 'red')} {report.problem}")
    if report.smoke is not None:
        options.smoke_summary(show, report.smoke, all_of_them=False)
    for name in sorted({step.held for step in report.plan.steps if step.worker in report.switched}):
        show.line(f"  held: nothing is promoted until somebody types cattlegrid unhold {name}")
    return report.outcome.exit_code


def _asked(show: Show) -> bool:
    if not (sys.stdin.isatty() and show.live):
        raise Refused("rolling back needs a person at a terminal, or --yes", next="cattlegrid rollback --yes")
    return show.ask(f"Type {show.environment(_PRODUCTION)} to roll back: ") == _PRODUCTION.value


def _plan(planned: RollbackPlan, show: Show) -> None:
    show.heading(_PRODUCTION, "roll back" if planned.steps else "nothing to roll back")
    show.table(
        [[step.worker, f"{step.live[:8]} → {step.to[:8]}", show.paint(step.why, "dim")] for step in planned.steps]
    )
    for worker, why in planned.stays:
        show.line(f"  {worker} {why}")
    for one in planned.between:
        show.line(f"  {show.paint('!', 'red')} database {one.database} keeps {', '.join(one.migrations)}")
        if one.restore:
            show.line(f"    to lose them and all that was written since: {one.restore}")
