"""Options and lines that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cattlegrid.cli.show import Show
from cattlegrid.errors import CattlegridError, UsageError
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.release.gate.difference import Difference, WorkerDifference
    from cattlegrid.verbs.hold import Stopped

_SHOWN = 12


def environment(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--env", default=Environment.STAGING.value, metavar="NAME", help="staging (the default) or production"
    )


def venture(parser: ArgumentParser) -> None:
    parser.add_argument("--venture", default="", metavar="NAME", help="this venture's own secrets, not the fleet's")


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


def key(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--key", default="", metavar="FILE", help="SSH key to sign with (default: git's user.signingkey)"
    )


def summary(parser: ArgumentParser) -> None:
    parser.add_argument("--summary", default="", metavar="FILE", help="add a summary in Markdown to this file")


def evidence(parser: ArgumentParser) -> None:
    parser.add_argument("--evidence", default="", metavar="FILE", help="write an in-toto test-result statement")


def write(path: str, text: str) -> None:
    """No path: nothing."""
    if path:
        Path(path).write_text(text, "utf-8")


@contextmanager
def summarised(path: str) -> Iterator[None]:
    """An error is in the summary too, before it ends the command."""
    try:
        yield
    except CattlegridError as error:
        from cattlegrid.cli import summary  # noqa: PLC0415 - html costs 5 ms that --help does not pay

        summary.append(path, summary.error(error))
        raise


def duration(text: str, name: str) -> float:
    """Seconds. Raises UsageError."""
    from cattlegrid.settings.kinds import DURATION  # noqa: PLC0415 - the parser alone (--help) does not need it

    try:
        return float(str(DURATION.read(text)))
    except ValueError as error:
        raise UsageError(f"{name} {error}") from error


def kept(ref: str, shared: str) -> str:
    return f"kept in {ref}, pushed to {shared}" if shared else f"kept in {ref} of this clone; it was not pushed"


def stopped(show: Show, done: Stopped) -> None:
    record = done.record
    show.report(done)
    signed = "signed" if done.signed else "not signed"
    show.heading(Environment.PRODUCTION, f"{record.kind} {show.paint(record.id, 'bold')} {record.name}: {signed}")
    show.line(f"  {kept(record.ref, done.shared)}")


def difference(show: Show, found: Difference) -> None:
    """What a release changes in production, as a person reads it."""
    for commit in found.commits[:_SHOWN]:
        show.line(f"  {commit.id[:12]}  {commit.subject}  {show.paint(commit.author, 'dim')}")
    if len(found.commits) > _SHOWN:
        show.line(f"  and {len(found.commits) - _SHOWN} more commits")
    for path in found.files[:_SHOWN]:
        show.line(f"    {path}")
    if len(found.files) > _SHOWN:
        show.line(f"    and {len(found.files) - _SHOWN} more files")
    for worker in found.workers:
        _worker_difference(show, worker)


def _worker_difference(show: Show, worker: WorkerDifference) -> None:
    show.line(f"  {show.paint(worker.worker, 'bold')}{': ' + worker.unknown if worker.unknown else ''}")
    for setting in worker.settings:
        show.line(f"    setting {setting.path}: {setting.before or 'absent'} → {setting.after or 'absent'}")
    if worker.migrations:
        show.line(f"    migrations: {', '.join(worker.migrations)}")
