"""Give every Worker of the fleet a staging and a production, with wrangler's own environment blocks.

Production keeps everything it has: wrangler's own reader is asked before a byte is written, and the change is refused
when it does not read production as before, or when staging would share anything with it.

At a terminal it asks whether production's crons run in staging too, and where staging's routes are; --crons, --route or
--yes answer beforehand. Without an answer staging has neither.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.verbs.edge import Edge
    from cattlegrid.verbs.split import SplitReport
    from cattlegrid.wrangler.split.plan import FilePlan
    from cattlegrid.wrangler.split.twin import Note, Wishes


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    parser.add_argument(
        "--default", default=Environment.STAGING.value, metavar="NAME",
        help="what stands at the top level of a file that is not split yet: staging (the default) or production",
    )  # fmt: skip
    parser.add_argument(
        "--route", default="", metavar="PATTERN",
        help="staging's routes, {route} being production's: 'staging.{route}'; without it staging has none",
    )  # fmt: skip
    parser.add_argument("--crons", action="store_true", help="production's crons run in staging too")
    parser.add_argument(
        "--scripts", action="store_true", help="mend every npm script that calls wrangler without an environment"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, proven, and write nothing")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--check", action="store_true", help="exit 1 when a file is not split; writes nothing")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.split import Options, split  # noqa: PLC0415 - as above
    from cattlegrid.wrangler.split.content import Layout  # noqa: PLC0415 - as above

    on_top = Environment.named(args.default)
    layout = Layout.STAGING_ON_TOP if on_top is Environment.STAGING else Layout.PRODUCTION_ON_TOP
    edge = Edge.here()
    chosen = Options(layout, _wishes(args, edge, show), args.dry_run, args.check, args.scripts)
    report = split(edge, tuple(args.workers), chosen)
    show.report(_summary(report))
    _show(report, show)
    return report.outcome.exit_code


def _wishes(args: Namespace, edge: Edge, show: Show) -> Wishes:
    """What staging shall have of production's routes and crons: said, or asked of a person at a terminal."""
    from cattlegrid.verbs.split import open_questions  # noqa: PLC0415 - as above
    from cattlegrid.wrangler.split.twin import Wishes  # noqa: PLC0415 - as above

    route, crons = args.route, args.crons
    if args.yes or args.check or args.json or not sys.stdin.isatty():
        return Wishes(route, crons)
    found = open_questions(edge, tuple(args.workers))
    if found.crons and not crons:
        asked = f"Production runs at {', '.join(found.crons)}. Shall staging run then too? [y/N] "
        crons = show.ask(asked).lower() in {"y", "yes"}
    if found.routes and not route:
        asked = f"Production answers at {', '.join(found.routes)}. And staging? Such as staging.{{route}} [nowhere] "
        route = show.ask(asked)
    return Wishes(route, crons)


def _summary(report: SplitReport) -> dict[str, object]:
    """The report without the files' texts: a file may hold a secret that nobody meant to put there."""
    files = [
        {"file": one.file.path, "was": one.was, "layout": one.layout, "changes": one.changes, "notes": one.notes}
        for one in report.files
    ]
    scripts = [{"file": one.path, "changed": one.changed} for one in report.scripts]
    rest = {"proof": report.proof, "written": report.written, "callers": report.callers, "outcome": report.outcome}
    return {"files": files, "scripts": scripts, **rest}


def _show(report: SplitReport, show: Show) -> None:
    if not report.written and not report.check:
        for one in report.files:
            _diff(one.file.path, one.file.text, one.after, show)
        for script in report.scripts:
            _diff(script.path, script.before, script.after, show)
    for one in report.files:
        _file(one, report, show)
    for script in report.scripts:
        show.line(f"  {script.path}")
        show.table([["", name, line] for name, line in script.changed.items()])
    _callers(report, show)
    if report.proof is not None:
        said = f"{report.proof.readings} readings by wrangler: production as before, staging shares nothing with it"
        show.line(f"  {show.outcome(report.outcome)}  {said}")
    if report.written:
        show.line("  next: git diff, then cattlegrid provision")


def _file(one: FilePlan, report: SplitReport, show: Show) -> None:
    state = "not split" if report.check else "split" if one.file.path in report.written else "would be split"
    show.line(f"  {one.file.path}  {state if one.changes else 'is split already'}: {one.layout.value}")
    if one.changes:
        show.table([_note(note, show) for note in one.notes], indent=4)


def _callers(report: SplitReport, show: Show) -> None:
    """Who calls wrangler without an environment, and where that leads now."""
    mended = {(plan.path, name.removesuffix(":prod")) for plan in report.scripts for name in plan.changed}
    left = [one for one in report.callers if (one.file, one.script) not in mended]
    if left:
        show.line("  calls of wrangler that name no environment, and what they now mean:")
        show.table([[f"{one.file}:{one.line}", one.command, f"→ {one.means}"] for one in left], indent=4)


def _diff(path: str, old: str, new: str, show: Show) -> None:
    import difflib  # noqa: PLC0415 - only a dry run shows a diff

    before, after = old.splitlines(), new.splitlines()
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", lineterm=""):
        colour = colours.get(line[:1])
        show.line(show.paint(line, colour) if colour else line)


def _note(note: Note, show: Show) -> list[str]:
    todo = show.paint(f"→ {note.todo}", "dim") if note.todo else ""
    return [show.paint(note.about.value, "yellow" if note.todo else "dim"), note.path, f"{note.what} {todo}".rstrip()]
