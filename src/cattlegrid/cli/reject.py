"""Reject a release: it is not promoted any more, whatever else it passes. Kept in git, signed when there is a key."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli import options
from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("release", metavar="RELEASE", help="its name, as promote --dry-run shows it")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="shown to whoever tries")
    options.key(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.hold import reject  # noqa: PLC0415 - as above

    done = reject(Edge.here(), args.release, args.reason, Path(args.key).expanduser() if args.key else None)
    options.stopped(show, done)
    return 0
