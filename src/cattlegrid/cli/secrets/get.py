"""Show one value to a person: at a terminal, after a yes. Refused in an agent's session.

--reveal writes staging's value to a pipe without a question; production's needs a person at a terminal all the same.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    options.environment(parser)
    options.venture(parser)
    parser.add_argument("--reveal", action="store_true", help="do not ask; staging only, unless at a terminal")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.values import get_value  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not terminal and not (args.reveal and environment is Environment.STAGING):
        raise Refused(
            f"a value of {environment} is shown to a person at a terminal only",
            next="cattlegrid secrets exec --help   (gives named values to a program)",
        )
    value = get_value(Edge.here(), environment, args.name, venture=args.venture)
    question = f"Show {args.name} of {show.environment(environment)} on this screen? Type yes: "
    if not args.reveal and show.ask(question) != "yes":
        raise Refused("not confirmed; nothing was shown")
    show.reveal(value)
    return 0
