"""Compare the lists of [secrets] with code, wrangler's config, the stores and the Workers, and name every gap."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--offline", action="store_true", help="leave Cloudflare out")
    parser.add_argument("--all", action="store_true", help="show what passed, too")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.check import check_secrets  # noqa: PLC0415 - as above

    report = check_secrets(Edge.here(), offline=args.offline)
    show.report(report)
    options.checks(show, report.checks, all_of_them=args.all)
    counted = f"{report.names} names, {report.workers} workers, {len(report.checks)} checks"
    show.line(f"staging and production  secrets {show.outcome(report.outcome)}  {counted}")
    return report.outcome.exit_code
