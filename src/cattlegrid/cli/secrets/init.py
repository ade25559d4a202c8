"""Make the encrypted files that are not there yet. Without --recipient, for the keys of this machine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--env", metavar="NAME", help="only this environment's (both when none is named)")
    parser.add_argument("--recipient", action="append", default=[], metavar="KEY", help="age1… or 'ssh-ed25519 …'")
    options.venture(parser)
    parser.add_argument("--name", default="", help="whose keys they are (default: the user's name)")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.keeping import init  # noqa: PLC0415 - as above

    edge = Edge.here()
    environments = (Environment.named(args.env),) if args.env else ()
    whose = args.name or edge.environ.get("USER", "")
    made = init(edge, environments, tuple(args.recipient), whose, venture=args.venture)
    show.report(made)
    for place in made.places:
        show.line(f"made {place}")
    for one in made.recipients:
        show.line(f"  can be opened by {one.name or 'somebody'}: {one.key}")
    show.line(
        "next: cattlegrid secrets generate, then git add secrets" if made.places else "the stores are there already"
    )
    return 0
