"""Write .github/workflows/cattlegrid.yml: what changed goes to staging after CI, production waits for a person.

When the file is there and differs, the difference is shown, and written after a yes at the terminal or with --yes.
--check says whether the file is this version's and whether GitHub guards the environment `production`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--ci", default="CI", metavar="NAME", help="the workflow whose success starts this (default CI)"
    )
    parser.add_argument("--branch", default="main", metavar="NAME", help="the branch that is deployed (default main)")
    parser.add_argument("--depth", type=int, default=0, metavar="N", help="check out N commits only (default: all)")
    parser.add_argument("--print", action="store_true", help="print it, and write nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask before replacing the file")
    parser.add_argument("--check", action="store_true", help="compare and ask GitHub; write nothing")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.model.check import Outcome  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs import workflow  # noqa: PLC0415 - as above
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    edge, choices = Edge.here(), workflow.Choices(args.ci, args.branch, args.depth)
    if args.check:
        found = workflow.check(edge, choices)
        show.report({"checks": found})
        options.checks(show, found, all_of_them=True)
        return Outcome.of(one.outcome for one in found).exit_code
    written = workflow.compare(edge, choices)
    show.report(written)
    if args.print:
        show.line(written.text)
        return 0
    if not written.difference:
        show.line(f"{written.path} is up to date")
        return 0
    if written.before:
        show.line(written.difference)
        if not args.yes and not _agreed(show):
            raise Refused(
                "the file differs and was left as it is", where=str(written.path), next="cattlegrid workflow --yes"
            )
    workflow.write(written)
    show.line(f"wrote {written.path}")
    show.line("  next: cattlegrid workflow --check, and commit it")
    return 0


def _agreed(show: Show) -> bool:
    return sys.stdin.isatty() and show.live and show.ask("Replace it? Type yes: ") == "yes"
