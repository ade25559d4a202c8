"""Resolve git's merge conflict in an environment's file, name by name, and write the file anew.

A name that one side changed is taken from there. One that both changed is named, and chosen: --ours or --theirs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.environment(parser)
    options.venture(parser)
    parser.add_argument("--ours", action="append", default=[], metavar="NAME", help="take this name as we have it")
    parser.add_argument("--theirs", action="append", default=[], metavar="NAME", help="take it as they have it")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.merge import merge  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    report = merge(Edge.here(), environment, ours=tuple(args.ours), theirs=tuple(args.theirs), venture=args.venture)
    show.report(report)
    show.heading(environment, f"merged {report.place}; next: git add {report.place}")
    for names, words in ((report.from_ours, "ours"), (report.from_theirs, "theirs")):
        if names:
            show.line(f"  from {words}: {', '.join(names)}")
    return 0
