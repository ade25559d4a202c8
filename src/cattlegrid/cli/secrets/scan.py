"""Look for our own values, plain or encoded, and for well-known kinds of token: in the work tree (ignored files too,
for they hold logs and bundles) and in all of git's history, or in the named files and folders only.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="look here only")
    parser.add_argument("--no-history", action="store_true", help="leave git's history out")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.scan import scan_for_secrets  # noqa: PLC0415 - as above

    paths = tuple(Path(path).absolute() for path in args.paths)
    report = scan_for_secrets(Edge.here(), paths, history=not args.no_history)
    show.report(report)
    for found in report.findings:
        show.line(f"  {show.paint('✗', 'red')} {found.place}:{found.line}  {found.what}")
    for environment, why in report.closed.items():
        show.line(f"  {show.paint('?', 'yellow')} {environment}'s values were looked for by digest only: {why}")
    looked = f"{report.files} files, {report.objects} objects of git, for {report.values} values and known tokens"
    show.line(f"scan {show.outcome(report.outcome)}  {looked}")
    return report.outcome.exit_code
