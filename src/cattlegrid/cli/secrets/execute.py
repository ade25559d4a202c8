"""Run a program with named secrets in its environment, staging's unless production is named.

It gets no other secret: neither those of this shell's environment nor the API token nor the store's key.

cattlegrid secrets exec --with CONTEXT_KEY -- npm test
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import REMAINDER, ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import ToolMissing, UsageError
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--with", dest="names", action="append", default=[], metavar="NAME", help="a secret it needs")
    parser.add_argument("--keep", action="append", default=[], metavar="NAME", help="such as CLOUDFLARE_API_TOKEN")
    options.environment(parser)
    options.venture(parser)
    parser.add_argument("command", nargs=REMAINDER, metavar="-- COMMAND")


def run(args: Namespace, show: Show) -> int:  # noqa: ARG001 - the program speaks for itself
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.execute import child_environment  # noqa: PLC0415 - as above

    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise UsageError("there is no program to run", next="cattlegrid secrets exec --with NAME -- COMMAND")
    names = tuple(name for listed in args.names for name in listed.split(","))
    env = child_environment(Edge.here(), Environment.named(args.env), names, tuple(args.keep), venture=args.venture)
    program = shutil.which(command[0], path=env.get("PATH"))
    if program is None:
        raise ToolMissing(f"{command[0]} is not on PATH")
    sys.stdout.flush()
    os.execve(program, command, dict(env))  # noqa: S606 - no shell: the program takes this process's place
