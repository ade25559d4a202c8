"""Copy production's databases into staging: every table, every value, personal data masked, all of it read back.

`cattlegrid mirror plan` shows what becomes of each column, and proposes lines for those that nobody decided on.
Production is only read. Staging works on its old data until the new database is verified; then it is switched.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import UsageError
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.mirror.estimate import Estimate
    from cattlegrid.verbs.mirror import Mirrored, MirrorReport, PlanReport


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="WORKER", help="only these workers' databases; `plan`: decide, and copy nothing"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what it would cost, and write nothing")
    parser.add_argument(
        "--in-place", action="store_true", help="into staging's own database; Time Travel takes it back on failure"
    )
    parser.add_argument(
        "--tables", default="", metavar="A,B", help="copy these tables' rows only, and leave others empty"
    )
    parser.add_argument(
        "--sample", type=int, default=0, metavar="N", help="N rows of each table, and the rows that these refer to"
    )
    parser.add_argument("--to", choices=["staging", "local"], default="staging", help="local: masked SQLite files")
    parser.add_argument("--into", default="mirror", metavar="FOLDER", help="where local files go (default: mirror)")
    parser.add_argument("--report", default="", metavar="FILE", help="write the report as an HTML page, with plots")
    parser.add_argument("--no-deploy", action="store_true", help="switch the wrangler files, and deploy nothing")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.mirror import Options, mirror, plan  # noqa: PLC0415 - as above

    words = tuple(args.words)
    if words[:1] == ("plan",):
        proposed = plan(Edge.here(), words[1:])
        show.report(proposed)
        _plan(proposed, show)
        return proposed.outcome.exit_code
    tables = tuple(name for name in args.tables.split(",") if name)
    if args.sample < 0:
        raise UsageError("--sample takes a number of rows, 1 or more", next="cattlegrid mirror --sample 1000")
    if args.to == "local":
        return _local(words, Path(args.into), tables, args.sample, show)
    chosen = Options(args.dry_run, args.in_place, not args.no_deploy, tables, args.sample)
    with show.telling() as tell, show.transfer() as listen:
        report = mirror(Edge.here(), words, chosen, tell=tell, listen=listen)
    show.report(report)
    _show(report, show)
    if args.report and report.databases:
        _page(report, Path(args.report))
    return report.outcome.exit_code


def _local(words: tuple[str, ...], into: Path, tables: tuple[str, ...], sample: int, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above
    from cattlegrid.verbs.mirror_local import mirror_local  # noqa: PLC0415 - as above

    with show.telling() as tell:
        report = mirror_local(Edge.here(), words, into=into, tables=tables, sample=sample, tell=tell)
    show.report(report)
    for file, copied in report.files:
        show.heading(Environment.STAGING, f"{file}  {copied.rows} rows, masked  {show.outcome(copied.outcome)}")
        options.checks(show, copied.checks, all_of_them=False)
    return report.outcome.exit_code


def _page(report: MirrorReport, file: Path) -> None:
    from cattlegrid.mirror.picture import page  # noqa: PLC0415 - only --report needs it

    named = [(f"{one.pair.production.name} → {one.into}", one.copied) for one in report.databases]
    file.write_text(page("cattlegrid mirror: production into staging", named), encoding="utf-8")


def _plan(report: PlanReport, show: Show) -> None:
    show.heading(Environment.PRODUCTION, "what becomes of each column in staging")
    show.table([[database, place, rule] for database, place, rule in report.decided])
    for database, columns in report.open:
        if columns:
            show.line(f"  {database}: {len(columns)} columns that nobody decided on; add under [mirror.mask]:")
            for column in columns:
                show.line(f"    {column.line}")
    if not any(columns for _, columns in report.open):
        show.line("  every column that may hold text is decided")


def _show(report: MirrorReport, show: Show) -> None:
    if not report.databases:
        for database, estimate in report.estimates:
            _estimate(database, estimate, show)
        return
    for one in report.databases:
        _database(one, show)
    if report.files:
        show.line(f"  {', '.join(report.files)}: database_id is the new database's; commit it, then cattlegrid deploy")


def _estimate(database: str, estimate: Estimate, show: Show) -> None:
    show.heading(Environment.PRODUCTION, f"{database}: {estimate.tables} tables, {estimate.rows} rows")
    show.line(
        f"  {size(estimate.bytes)} to carry three times, about {duration(estimate.seconds)}, {estimate.calls} calls"
    )
    show.line(f"  {estimate.rows_read} rows read, {estimate.rows_written} written: ${estimate.dollars:.2f}")
    if estimate.free_days > 1 or not estimate.free_fits:
        room = "" if estimate.free_fits else ", and more than the 500 MB of a database"
        show.line(
            f"  on the free plan: {estimate.free_days} days of its rows{room}; --sample N or --tables A,B copies less"
        )


def _database(one: Mirrored, show: Show) -> None:
    copied = one.copied
    show.heading(Environment.STAGING, f"{one.pair.production.name} → {one.into}  {show.outcome(copied.outcome)}")
    show.table(
        [
            [table.table, f"{table.rows}", size(table.bytes), table.digest[:12], ", ".join(_masks(table.masks))]
            for table in copied.tables
        ]
    )
    for check in copied.checks:
        show.line(f"  {show.mark(check.outcome)} {check.name}  {show.paint(check.detail, 'dim')}")
    moment = "all rows are of one moment" if copied.exact else copied.interval
    seconds = sum(copied.seconds.values())
    show.line(f"  {copied.rows} rows, {one.calls} calls, {seconds:.1f} s of work; {moment}")
    if copied.resumed:
        show.line(f"  taken up from an interrupted run: {copied.resumed} ranges were verified already")
    if one.undo:
        show.line(f"  undo: wrangler d1 time-travel restore {one.into} --bookmark={one.undo}")
    if one.replaced:
        show.line(f"  {one.replaced} is kept until the next mirror")
    if one.dropped:
        show.line(f"  dropped: {', '.join(one.dropped)}")


def _masks(masks: object) -> list[str]:
    return [f"{column}: {rule}" for column, rule in dict(masks).items()]  # type: ignore[call-overload]


def size(number: int) -> str:
    for unit, digits in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= digits:
            return f"{number / digits:.1f} {unit}"
    return f"{number} B"


def duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
