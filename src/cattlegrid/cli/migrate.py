"""Apply the pending migrations to staging's databases, with wrangler's own table, folder and numbering.

Production's are applied by `cattlegrid promote`, after staging's, and nowhere else.

`cattlegrid migrate adopt` writes the ledger of databases whose files were run without it: it compares their structure
with what each file leaves behind, shows the rows that it would write, and writes them after a yes. It migrates nothing.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.verbs.migrate import DatabaseReport, MigrateReport


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "workers", nargs="*", metavar="[adopt] WORKER", help="only these workers (all when none is named)"
    )
    options.environment(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and write nothing")
    parser.add_argument(
        "--allow-out-of-order", action="store_true", help="a file that sorts before an applied one is meant"
    )
    parser.add_argument("--through", default="", metavar="FILE", help="adopt: this file and all before it have run")
    parser.add_argument("--yes", action="store_true", help="adopt: write without asking")


def run(args: Namespace, show: Show) -> int:
    if args.workers[:1] == ["adopt"]:
        from cattlegrid.cli import migrate_adopt  # noqa: PLC0415 - migrate itself needs none of this

        return migrate_adopt.run(args, show)
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.migrate import MigrateOptions, migrate  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    chosen = MigrateOptions(args.dry_run, args.allow_out_of_order)
    with show.telling() as tell:
        report = migrate(Edge.here(), environment, tuple(args.workers), chosen, tell=tell)
    show.report(report)
    _show(report, show)
    return report.outcome.exit_code


def _show(report: MigrateReport, show: Show) -> None:
    for database in report.databases:
        _database(report, database, show)
    applied = sum(len(database.applied) for database in report.databases)
    done = f"{applied} applied in {report.seconds:.1f} s" if report.ran else "nothing was applied: --dry-run"
    show.heading(
        report.environment,
        f"migrate {show.outcome(report.outcome)}  {count(len(report.databases), 'database')}, {done}",
    )


def _database(report: MigrateReport, database: DatabaseReport, show: Show) -> None:
    plan = database.plan
    for finding in plan.findings:
        show.line(f"  {show.paint('!', 'yellow')} {database.name}  {finding}")
    if plan.unchecked:
        show.line(
            f"  {show.paint('?', 'yellow')} {database.name}  {len(plan.unchecked)} of {len(plan.applied)} applied files"
            f" were not applied by cattlegrid: whether they were edited since is not measured"
        )
    if report.ran and not plan.pending:
        show.line(f"  {show.paint('·', 'dim')} {database.name}  nothing pending, {len(plan.applied)} applied")
    for migration in () if report.ran else plan.pending:
        show.line(f"  {show.paint('·', 'dim')} {database.name}  pending: {migration.name}")
    if database.problem:
        show.line(f"  {show.paint('✗', 'red')} {database.name}  {database.problem}")
        show.line(f"    next: {database.next}" if database.next else "")
