"""Look at the repository and write the shortest cattlegrid.toml that describes it. Asks what it cannot decide.

Run again, it tells which Workers are new. It never overwrites a file.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli.show import Show
from cattlegrid.errors import UsageError
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.check.proposal import Found
    from cattlegrid.verbs.init import InitReport


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nothing: what may be an illustration is left out")
    parser.add_argument("--dry-run", action="store_true", help="show the file, and write nothing")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.init import init  # noqa: PLC0415 - as above

    def decide(found: Found) -> bool:
        if args.yes:
            return False
        if not sys.stdin.isatty():
            raise UsageError(
                f"is {found.folder} a Worker of the fleet? {found.why}, and there is nobody to ask",
                next="cattlegrid init --yes leaves it out",
            )
        return show.ask(f"Is {found.folder} a Worker of the fleet? {found.why} [y/N] ").lower() in {"y", "yes"}

    def choose(environment: Environment, names: tuple[str, ...]) -> str:
        if args.yes or args.json or not sys.stdin.isatty():
            return ""
        return show.ask(f"Which of {', '.join(names)} is {environment}? [none of them] ")

    report = init(Edge.here(), decide, choose, dry_run=args.dry_run)
    show.report(report)
    _show(report, show)
    return 0


def _show(report: InitReport, show: Show) -> None:
    from cattlegrid.check.proposal import Standing  # noqa: PLC0415 - as above

    left = [
        one
        for one in report.proposal.found
        if one not in report.taken and (report.text or one.standing is Standing.LEFT)
    ]
    show.table([[show.paint("✓", "green"), one.folder, one.script, _layout(one)] for one in report.taken])
    show.table([[show.paint("-", "dim"), one.folder, "left out", one.why] for one in left])
    for one in report.taken:
        if one.others:
            said = f"{', '.join(f'env.{name}' for name in one.others)} left as it is: neither of the two environments"
            show.line(f"  {show.paint('?', 'yellow')} {one.file}: {said}")
    if report.text:
        show.line(f"  {report.path} {'written' if report.written else 'would be'}:")
        for line in report.text.splitlines():
            show.line(f"    {line}".rstrip())
        if report.callers:
            places = ", ".join(dict.fromkeys(f"{one.file}:{one.line}" for one in report.callers))
            show.line(f"  {len(report.callers)} calls of wrangler name no environment: {places}")
        show.line("  next: cattlegrid split --dry-run")
    elif report.new:
        show.line(f"  {report.path} is there already and is left as it is; new in the repository:")
        show.table([["+", one.folder, one.script, f'add "{one.folder}" to fleet.workers'] for one in report.new])
    else:
        show.line(f"  {report.path} is there already and names every Worker of the repository")


def _layout(one: Found) -> str:
    return one.layout.value if one.layout is not None else ""
