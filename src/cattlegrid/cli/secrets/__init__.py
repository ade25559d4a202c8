"""The secrets of both environments: kept encrypted in git, pushed to Workers, audited without showing a value.

Values are read from standard input or a hidden prompt, never from the command line, and staging is meant unless
production is named.
"""

from __future__ import annotations

import importlib
from argparse import ArgumentParser, Namespace
from typing import Any, Final

from cattlegrid.cli.show import Show

ACTIONS: Final = {
    "list": "names, where they are, how old, and fingerprints; never values",
    "set": "set a value, from standard input or a hidden prompt",
    "get": "show a value to a person at a terminal",
    "generate": "make random values for the names that have none",
    "push": "set them on the Workers: plan first, all or nothing, then read back",
    "check": "compare config, code and stores, and name every gap",
    "audit": "prove that isolated values differ and shared ones are equal, in the stores, on the Workers and live",
    "diff": "compare environments and Workers, without values",
    "rotate": "replace a value in two phases, without a refused request",
    "import": "take values from a .env or .dev.vars file, from wrangler, or from another store",
    "exec": "run a program with named secrets in its environment",
    "scan": "look for our values, and for well-known tokens, in files and git history",
    "init": "make the stores that are not there yet",
    "identity": "make a new age key for a machine",
    "recipients": "who can open an environment's file: list, add, remove, accept",
    "merge": "resolve a merge conflict in an environment's file, name by name",
}


def arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    for name, line in ACTIONS.items():
        action = _module(name)
        added = actions.add_parser(name, help=line, description=action.__doc__)
        added.add_argument("--json", action="store_true", help="print the report as one JSON document")
        action.arguments(added)


def run(args: Namespace, show: Show) -> int:
    code: int = _module(args.action).run(args, show)
    return code


def _module(name: str) -> Any:
    own = {"import": "bring", "exec": "execute", "list": "listing"}
    return importlib.import_module(f"cattlegrid.cli.secrets.{own.get(name, name)}")
