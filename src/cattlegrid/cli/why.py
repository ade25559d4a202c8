"""Why a worker counts as changed, or not: which files, which package brought them in, what is live and since when."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("worker", metavar="WORKER")
    options.environment(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.why import why  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    with show.telling() as tell:
        found = why(Edge.here(), args.worker, environment, tell=tell)
    show.report(found)
    head, *rest = found.sentences
    show.heading(environment, head)
    for sentence in rest:
        show.line(f"  {sentence}")
    show.line(f"  It is made of {len(found.inputs)} parts:")
    show.table([[path, show.paint(because, "dim")] for path, because in found.inputs], indent=4)
    return 0
