"""Let one waiting write of an agent run, once. Without an ID: what waits.

For a person, in a terminal that is not the agent's: the session's gateway looks at who asks, and the environment's
name is typed.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.verbs.allow import Waiting


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="the request, as the agent was told it")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.allow import allow, find, waiting  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    edge = Edge.here()
    if not args.id:
        found = waiting(edge)
        show.report(found)
        for one in found:
            _line(one, show)
        if not found:
            show.line("nothing waits")
        return 0
    one = find(edge, args.id)
    _line(one, show)
    if not sys.stdin.isatty():
        raise Refused("a write in production is allowed by a person at a terminal", next=f"cattlegrid allow {one.id}")
    allow(one, show.ask(f"Type {one.environment} to let it run once: "))
    show.report(one)
    show.heading(Environment.named(one.environment), f"{one.tool} may run once, with exactly these arguments")
    return 0


def _line(one: Waiting, show: Show) -> None:
    venture = f" · venture {one.venture}" if one.venture else ""
    head = f"{show.paint(one.id, 'bold')}  {one.tool} ({one.effect}) of worker {one.worker}{venture}"
    show.heading(Environment.named(one.environment), f"{head}  until {one.expires[11:19]} UTC")
    for name, value in one.arguments.items():
        show.line(f"  {name} = {json.dumps(value, ensure_ascii=False)}")
