"""Prove, without showing a value, that isolated secrets differ and shared ones are equal.

In the stores, on the Workers (by the manifest of keyed digests that each push leaves there), and live: production
refuses staging's key. What could not be seen from here is not measured, and the exit code is then 4.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--no-live", action="store_true", help="ask the Workers themselves nothing")
    parser.add_argument("--all", action="store_true", help="show what passed, too")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.audit import audit  # noqa: PLC0415 - as above

    report = audit(Edge.here(), live_checks=not args.no_live)
    show.report(report)
    options.checks(show, report.checks, all_of_them=args.all)
    show.line(f"staging and production  secrets {show.outcome(report.outcome)}  {report.examined}")
    return report.outcome.exit_code
