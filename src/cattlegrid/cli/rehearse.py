"""Run the migrations that production still lacks on a throw-away copy of production's rows, and tell what they do.

Failures with the row that causes them, rows lost or changed by table and migration, references broken, time against
D1's limits. The copy is masked as `cattlegrid mirror` masks, and deleted at the end. Production is only read.

Then the fleet's smoke checks ask throw-away Workers on that copy: staging's code, and the code live in production.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    parser.add_argument("--unmasked", action="store_true", help="copy real values; within production's account only")
    parser.add_argument("--loss-is-meant", action="store_true", help="rows that a migration takes away do not fail it")
    parser.add_argument("--no-smoke", action="store_true", help="migrations only; start no code on the migrated rows")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.rehearse import Options, rehearse  # noqa: PLC0415 - as above

    chosen = Options(args.unmasked, args.loss_is_meant, not args.no_smoke)
    with show.telling() as tell:
        report = rehearse(Edge.here(), tuple(args.workers), chosen, tell=tell)
    show.report(report)
    for one in report.databases:
        if not one.pending:
            show.heading(Environment.PRODUCTION, f"{one.database}: no migration is pending")
    options.checks(show, report.checks, all_of_them=True)
    if report.rollback:
        show.line(f"  {report.rollback}")
    if report.checks:
        show.heading(Environment.PRODUCTION, f"rehearsal {show.outcome(report.outcome)}")
    return report.outcome.exit_code
