"""diff: compare the structure of the commit's migrations with staging and production, in words; spelling is no matter.

lint: find what passes on an empty database and fails on a full one, what loses data, and what D1 does not take.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.check import Outcome
from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.database.schema.parity import Side
    from cattlegrid.verbs.schema import DatabaseSchema, LintReport, SchemaReport

_COLOURS = {"fails on rows": "red", "loses data": "yellow", "note": "dim"}


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["diff", "lint"], help="diff: compare structures; lint: look at the files")
    options.workers(parser)
    parser.add_argument("--env", metavar="NAME", help="diff with this environment alone (both when none is named)")
    parser.add_argument("--new", action="store_true", help="lint only what production does not have yet")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs import schema  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    names = tuple(args.workers)
    if args.action == "lint":
        found = schema.schema_lint(Edge.here(), names, new=args.new)
        show.report(found)
        _lint(found, show)
        return found.outcome.exit_code
    report = schema.schema_diff(Edge.here(), names, Environment.named(args.env) if args.env else None)
    show.report(report)
    _diff(report, show)
    return report.outcome.exit_code


def _diff(report: SchemaReport, show: Show) -> None:
    for one in report.databases:
        title = f"{', '.join(one.workers)} {one.binding}"
        if one.problem:
            show.line(f"{show.mark(Outcome.NOT_MEASURED)} {title}  the commit: {one.problem}")
            continue
        show.line(f"{show.mark(one.outcome)} {title}  the commit: {count(one.migrations, 'migration')}, {one.counted}")
        if one.note:
            show.line(f"  {show.paint('!', 'yellow')} {one.note}")
        for side in one.sides:
            _side(side, show)
        _between(one, show)
    if report.missing:
        show.line(f"{show.mark(Outcome.NOT_MEASURED)} one environment was not looked at: {report.missing}")
    show.line(f"schema {show.outcome(report.outcome)}  {count(len(report.databases), 'database')}")


def _side(side: Side, show: Show) -> None:
    head = f"  {show.mark(side.outcome)} {show.environment(side.environment)} {side.database}"
    if side.problem:
        show.line(f"{head}  {side.problem}")
        return
    said = count(len(side.differences), "difference") if side.differences else f"the same structure, {side.counted}"
    show.line(f"{head}  {said}")
    if side.pending:
        why = "; they explain it" if side.differences and not side.unexplained else ""
        show.line(f"      pending: {', '.join(side.pending)}{why}")
    unexplained = set(side.unexplained) if side.pending else set(side.differences)
    for one in dict.fromkeys((*side.differences, *side.unexplained)):
        mark = show.paint("≠", "red") if one in unexplained else show.paint("·", "dim")
        show.line(f"    {mark} {one.sentence('the commit', side.environment.value)}")


def _between(one: DatabaseSchema, show: Show) -> None:
    if len(one.sides) == 2 and not any(side.problem for side in one.sides):
        said = count(len(one.between), "difference") if one.between else "the same structure"
        show.line(f"    staging and production: {said}")


def _lint(report: LintReport, show: Show) -> None:
    for one in report.findings:
        place = show.paint(f"{one.file}:{one.line}", "bold")
        show.line(f"{place}  {show.paint(one.severity.value, _COLOURS[one.severity.value])} [{one.rule}] {one.what}")
        show.line(f"    safe: {one.safe}")
    found = ((report.files, "file"), (report.statements, "statement"), (len(report.findings), "finding"))
    examined = ", ".join(count(number, what) for number, what in found)
    show.line(f"schema lint {show.outcome(report.outcome)}  {examined}")
