"""Put an agent's files back as they were before `cattlegrid install`, byte for byte.

A file that was edited since keeps the edits and loses what cattlegrid had added.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli.install import agent, shown
from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    agent(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.install import uninstall  # noqa: PLC0415 - as above

    shown(uninstall(Edge.here(), args.agent, dry_run=args.dry_run), show, dry_run=args.dry_run)
    return 0
