"""Options and lines that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime

from cattlegrid.cli.show import Show
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment


def environment(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--env", default=Environment.STAGING.value, metavar="NAME", help="staging (the default) or production"
    )


def workers(parser: ArgumentParser) -> None:
    parser.add_argument("workers", nargs="*", metavar="WORKER", help="only these workers (all when none is named)")


def limit(parser: ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--limit", type=int, default=default, metavar="N", help=f"how many workers at once (default {default})"
    )


def age(moment: datetime, now: datetime) -> str:
    seconds = max(0.0, (now - moment).total_seconds())
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f}{letter}"
    return f"{seconds:.0f}s"


def checks(show: Show, found: Iterable[Check], *, all_of_them: bool) -> None:
    """One line a check. Without `all_of_them`, only what did not pass."""
    show.table(
        [
            [show.mark(check.outcome), check.worker, check.name, show.paint(check.detail, "dim")]
            for check in found
            if all_of_them or check.outcome is not Outcome.PASS
        ]
    )


def smoke_summary(show: Show, report: SmokeReport, *, all_of_them: bool) -> None:
    checks(show, report.checks, all_of_them=all_of_them)
    show.heading(report.environment, f"smoke {show.outcome(report.outcome)}  {report.examined}")
