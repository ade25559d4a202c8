"""What agents called through the gateway on this machine: tool, hash of the arguments, result, time. No values."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment

_COLOUR = {"ok": "green", "error": "yellow", "refused": "red", "down": "red", "cancelled": "dim"}


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--session", default="", metavar="ID", help="only this session")
    parser.add_argument("--last", type=int, default=50, metavar="N", help="how many calls (default 50)")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.log import log  # noqa: PLC0415 - as above

    found = log(Edge.here(), at_most=args.last, session=args.session)
    show.report(found)
    show.table(
        [
            [
                show.environment(Environment.named(call.environment)),
                call.at[:19].replace("T", " "),
                call.session,
                f"{call.worker}.{call.tool}" if call.worker else call.tool,
                call.arguments,
                show.paint(call.result, _COLOUR.get(call.result, "dim")),
                f"{call.milliseconds} ms",
            ]
            for call in found.calls
        ]
    )
    if not found.calls:
        show.line(f"no call is recorded in {found.file}")
    return 0
