"""Lift a hold or a rejection by its id, or the hold of a roll back by the release that production went back to.

Where production's rules ask for signatures, one of their approvers has to sign this too.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="as promote --dry-run and status show it")
    parser.add_argument("--reason", default="", metavar="TEXT", help="kept with it")
    options.key(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.process import lineage  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above
    from cattlegrid.verbs.hold import unhold  # noqa: PLC0415 - as above

    key = Path(args.key).expanduser() if args.key else None
    done = unhold(Edge.here(), args.name, args.reason, key, programs=lineage())
    if done.stopped is not None:
        options.stopped(show, done.stopped)
    else:
        show.report(done)
        show.heading(Environment.PRODUCTION, f"the roll back of {', '.join(done.workers)} holds nothing any more")
    return 0
