"""Examine the fleet's files: what staging shares with production, where the environments disagree, who calls wrangler
without an environment, which secrets stand in a file. Errors exit 1; warnings do not. Reads files only, unless --live.

A finding that is meant is ignored in cattlegrid.toml, with its reason:

    [[check.ignore]]
    rule = "C301"
    file = "workers/shop/wrangler.toml"
    reason = "the shop's images are the same in both environments"
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli.show import Show

if TYPE_CHECKING:
    from cattlegrid.model.finding import Checked, Finding

_FORMATS = ("text", "sarif", "github")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--live", action="store_true", help="read the deployed bindings of both environments too")
    parser.add_argument(
        "--format", choices=_FORMATS, default="text", help="for people (the default), SARIF, or GitHub annotations"
    )
    parser.add_argument("--rules", action="store_true", help="list the rules, and examine nothing")


def run(args: Namespace, show: Show) -> int:
    if args.rules:
        return _rules(show)
    from cattlegrid.verbs.check import check  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    checked = check(Edge.here(), live=args.live)
    show.report(checked)
    if args.format == "sarif":
        _sarif(checked, show)
    elif args.format == "github":
        _github(checked, show)
    else:
        _text(checked, show)
    return checked.outcome.exit_code


def _rules(show: Show) -> int:
    from cattlegrid.check.rules import RULES  # noqa: PLC0415 - as above

    show.report(RULES)
    show.table([[rule.code, rule.severity.value, rule.name, rule.says] for rule in RULES])
    return 0


def _sarif(checked: Checked, show: Show) -> None:
    import json  # noqa: PLC0415 - as above

    from cattlegrid import __version__  # noqa: PLC0415 - as above
    from cattlegrid.check.formats import sarif  # noqa: PLC0415 - as above

    show.line(json.dumps(sarif(checked, __version__), ensure_ascii=False, indent=2))


def _github(checked: Checked, show: Show) -> None:
    from cattlegrid.check.formats import annotation  # noqa: PLC0415 - as above

    for finding in checked.findings:
        if not finding.ignored:
            show.line(annotation(finding))


def _text(checked: Checked, show: Show) -> None:
    shown = [finding for finding in checked.findings if not finding.ignored]
    for finding in shown:
        _finding(finding, show)
    ignored = len(checked.findings) - len(shown)
    errors = sum(finding.rule.severity.value == "error" for finding in shown)
    said = f"{checked.workers} workers, {checked.files} files"
    said += f", {checked.live} live bindings" if checked.live else ""
    said += f": {errors} errors, {len(shown) - errors} warnings, {ignored} ignored"
    show.line(f"  check {show.outcome(checked.outcome)}  {said}")
    if checked.not_measured:
        show.line(f"  {show.paint('?', 'yellow')} {checked.not_measured}")


def _finding(finding: Finding, show: Show) -> None:
    colour = "red" if finding.rule.severity.value == "error" else "yellow"
    place = f"{finding.file}:{finding.line}:{finding.column}"
    show.line(f"{show.paint(place, 'bold')}: {show.paint(finding.rule.code, colour)} {finding.what}")
    show.line(f"    fix: {finding.fix}")
