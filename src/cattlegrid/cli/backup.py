"""Write an environment's databases into files that any SQLite opens: every value, with a manifest of digests.

The files hold real values and are for their owner only (mode 0600). The databases are only read.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--to", default="", metavar="FOLDER", help="where the files go (default: backup.folder)")
    parser.add_argument(
        "--encrypt", action="store_true", help="for backup.recipients only (age); always so where these are named"
    )
    parser.add_argument("--verify", default="", metavar="FILE", help="compare a file with its manifest, and write none")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.backup import backup, verify  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    if args.verify:
        report = verify(Edge.here(), Path(args.verify))
    else:
        environment = Environment.named(args.env)
        with show.telling() as tell:
            into = Path(args.to) if args.to else None
            names = tuple(args.workers)
            report = backup(Edge.here(), environment, names, into=into, encrypt=args.encrypt, tell=tell)
    show.report(report)
    for one in report.files:
        moment = "all rows are of one moment" if one.manifest.exact else "written to while it was read"
        rows = sum(kept.rows for kept in one.manifest.tables.values())
        show.heading(report.environment, f"{one.file}  {rows} rows, {moment}, {one.manifest.taken}")
        options.checks(show, one.checks, all_of_them=bool(args.verify))
    options.checks(show, report.failed, all_of_them=True)
    show.heading(report.environment, f"backup {show.outcome(report.outcome)}")
    return report.outcome.exit_code
