"""Examine what is live: does the right version answer, does it read this environment's database through its own
binding, are the live bindings this environment's, are keys refused across the grid, do the declared checks pass.

Pass, fail, or not measured (exit 4): what was not examined never counts as passed.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import UsageError
from cattlegrid.model.check import SmokeReport
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--junit", default="", metavar="FILE", help="write the checks as JUnit XML")
    options.evidence(parser)
    options.summary(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.smoke import smoke  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    with options.summarised(args.summary), show.telling() as tell:
        report = smoke(Edge.here(), environment, tuple(args.workers), tell=tell)
    show.report(report)
    options.smoke_summary(show, report, all_of_them=True)
    if args.junit or args.summary or args.evidence:
        _write(args, report)
    return report.outcome.exit_code


def _write(args: Namespace, report: SmokeReport) -> None:
    from cattlegrid.cli import junit, summary  # noqa: PLC0415 - XML and HTML, for who asked
    from cattlegrid.release.gate.evidence import statement  # noqa: PLC0415 - as above
    from cattlegrid.verbs.approve import look_at  # noqa: PLC0415 - as above
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    options.write(args.junit, junit.document(f"smoke {report.environment}", report.checks))
    summary.append(args.summary, summary.smoke(report))
    if args.evidence:
        if report.environment is not Environment.STAGING:
            raise UsageError("evidence is about what staging ran; for production: cattlegrid promote --evidence FILE")
        options.write(args.evidence, statement(look_at(Edge.here())[0].manifest, report.checks))
