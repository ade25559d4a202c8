"""Who deployed what, and when: read from Cloudflare's own deployments and versions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--most", type=int, default=20, metavar="N", help="at most so many (default 20)")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.history import history  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    found = history(Edge.here(), environment, tuple(args.workers), at_most=args.most)
    show.report(found)
    show.heading(environment, f"{len(found.entries)} deployments, newest first")
    show.table(
        [
            [
                f"{entry.at:%Y-%m-%d %H:%M:%S}",
                entry.worker,
                entry.version[:8],
                (entry.commit[:12] + ("+" if entry.dirty else "")) or "-",
                entry.what
                + (f"; passed: {entry.checks}" if entry.stage == "verified" else "")
                + (f"; approved by {entry.approval}" if entry.approval else ""),
                show.paint(entry.who, "dim"),
            ]
            for entry in found.entries
        ]
    )
    return 0
