"""Load a backup into a new database, read all of it back, and switch the wrangler file to it.

Nothing that exists is written to. For production a person at a terminal types the environment's name.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file that `cattlegrid backup` wrote")
    parser.add_argument("--worker", required=True, metavar="NAME", help="the worker whose database it becomes")
    parser.add_argument("--binding", default="DB", metavar="NAME", help="the binding of the database (default DB)")
    options.environment(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.restore import restore  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    if environment is Environment.PRODUCTION:
        _person(show)
    with show.telling() as tell:
        report = restore(Edge.here(), Path(args.file), environment, worker=args.worker, binding=args.binding, tell=tell)
    show.report(report)
    options.checks(show, report.checks, all_of_them=True)
    show.heading(
        environment, f"restore {show.outcome(report.outcome)}  {report.database} in place of {report.replaced}"
    )
    if report.files:
        show.line(f"  {', '.join(report.files)} names it now: commit the file, then deploy")
    return report.outcome.exit_code


def _person(show: Show) -> None:
    typed = show.ask(f"Type {show.environment(Environment.PRODUCTION)} to restore into it: ") if show.live else ""
    if typed != Environment.PRODUCTION.value:
        raise Refused(
            "a restore to production needs a person at a terminal who types its name; nothing was done",
            next="cattlegrid restore FILE --worker NAME --env production",
        )
