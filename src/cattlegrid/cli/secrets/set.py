"""Set one value. It is asked for at a terminal without being shown, or read from a pipe; one line end is taken off."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret

if TYPE_CHECKING:
    from cattlegrid.verbs.edge import Edge
    from cattlegrid.verbs.secrets.values import Changed


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="as a list of [secrets] has it")
    parser.add_argument("value", nargs="*", metavar="", help="no value is taken here: everybody could see it")
    options.environment(parser)
    options.venture(parser)
    parser.add_argument("--both", action="store_true", help="a shared secret: set it in both environments")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.values import set_value  # noqa: PLC0415 - as above

    edge = Edge.here()
    environments = tuple(Environment) if args.both else (Environment.named(args.env),)
    name = f"{args.name}=" if args.value else args.name
    changed = set_value(edge, environments, name, value_from(edge, name), venture=args.venture)
    show.report(changed)
    said(changed, show, "set", args.venture)
    return 0


def value_from(edge: Edge, name: str) -> Secret:
    """From a hidden prompt at a terminal, else from standard input. Nothing is read for a name that holds a value."""
    if "=" in name:
        return Secret("")
    if edge.ask is not None:
        return Secret(edge.ask(f"Value of {name} (not shown): "))
    raw = sys.stdin.buffer.read()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the value is not UTF-8 (byte {error.start})", where="standard input") from None
    return Secret(text.removesuffix("\n").removesuffix("\r"))


def said(changed: Changed, show: Show, done: str, venture: str) -> None:
    """No Worker has a venture's secrets, so that there is nothing to push."""
    for environment in changed.environments:
        show.heading(environment, f"{done}: {', '.join(changed.names) or 'nothing'}")
        if changed.readers.get(environment):
            show.line(f"  can be read by {', '.join(changed.readers[environment])}")
        if changed.names and not venture:
            show.line(f"  next: cattlegrid secrets push --env {environment}")
    for note in changed.notes:
        show.line(f"  {show.paint('!', 'yellow')} {note}")
