"""Who can open an environment's file.

list            who can
add KEY         encrypt it for one more: age1… or 'ssh-ed25519 …' (quoted), with --name
remove WHO      encrypt it anew without them; what they have read has to be rotated
accept          another tool (sops) changed the list, and that was meant
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import UsageError
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.verbs.secrets.keeping import Removed


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("do", choices=("list", "add", "remove", "accept"), metavar="list|add|remove|accept")
    parser.add_argument("who", nargs="?", metavar="KEY", help="a public key; for remove also a name")
    parser.add_argument("--name", default="", help="whose key it is")
    options.environment(parser)
    options.venture(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets import keeping  # noqa: PLC0415 - as above

    edge, environment, venture = Edge.here(), Environment.named(args.env), args.venture
    if args.do in {"add", "remove"} and not args.who:
        raise UsageError(f"recipients {args.do} needs a key", next="cattlegrid secrets recipients list")
    if args.do == "add":
        added = keeping.add_recipient(edge, environment, args.who, args.name, venture=venture)
        show.report(added)
        show.heading(environment, f"{added.name or 'somebody'} can open it now: {added.key}")
    elif args.do == "remove":
        _removed(keeping.remove_recipient(edge, environment, args.who, venture=venture), show)
    elif args.do == "accept":
        new = keeping.accept_recipients(edge, environment, venture=venture)
        show.report(new)
        show.heading(environment, f"accepted: {', '.join(one.key for one in new) or 'nobody is new'}")
    else:
        found = keeping.recipients(edge, environment, venture=venture)
        show.report(found)
        show.heading(environment, f"{len(found)} can open it" if found else "there is no file yet")
        show.table([[one.name or "?", one.key] for one in found])
    return 0


def _removed(removed: Removed, show: Show) -> None:
    show.report(removed)
    who = removed.recipient.name or removed.recipient.key
    show.heading(removed.environment, f"{who} cannot open what is written from now on")
    show.line("  They have read what was in it, and git keeps the old file. Each of these needs another value:")
    for command in removed.to_rotate.values():
        show.line(f"    {command}")
