"""Which session a hook is in. Outside of one, hooks of files that `install` has written go by the fleet's files."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from cattlegrid.agents import session as sessions
from cattlegrid.agents.session import Session


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--here", action="store_true", help="outside of a session, go by the fleet's files here")
    parser.add_argument("--venture", default="", metavar="NAME", help="with --here: a venture of cattlegrid.toml")


def session(args: Namespace) -> Session | None:
    """The session that this process lives in, else with --here the one that the files make; else None."""
    folder = sessions.here(os.environ)
    if folder is not None:
        return sessions.read(folder)
    if not args.here:
        return None
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - a tenth of a second that a hook of `run` does not pay
    from cattlegrid.verbs.here import here  # noqa: PLC0415 - as above

    return here(Edge.here(), args.venture)
