"""Make random values, 32 bytes each: for the names, or for every isolated secret that has none."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.secrets.set import said
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME")
    options.environment(parser)
    options.venture(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.values import generate  # noqa: PLC0415 - as above

    changed = generate(Edge.here(), Environment.named(args.env), tuple(args.names), venture=args.venture)
    show.report(changed)
    said(changed, show, "generated", args.venture)
    return 0
