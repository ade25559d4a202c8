"""Examine what is live: does the right version answer, does it read this environment's database through its own
binding, are the live bindings this environment's, are keys refused across the grid, do the declared checks pass.

Pass, fail, or not measured (exit 4): what was not examined never counts as passed.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.smoke import smoke  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    with show.telling() as tell:
        report = smoke(Edge.here(), environment, tuple(args.workers), tell=tell)
    show.report(report)
    options.smoke_summary(show, report, all_of_them=True)
    return report.outcome.exit_code
