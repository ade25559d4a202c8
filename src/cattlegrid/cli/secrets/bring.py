"""Take values into an environment's store: from a .env or .dev.vars file, or from another store (--from)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="such as workers/api/.dev.vars")
    parser.add_argument(
        "--from", dest="kind", default="", choices=("sops", "dotenv", "infisical"), help="another store"
    )
    parser.add_argument("--replace", action="store_true", help="take values that differ from the store's, too")
    options.environment(parser)
    options.venture(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.bring import bring  # noqa: PLC0415 - as above

    file = Path(args.file) if args.file else None
    chosen = {"file": file, "kind": args.kind, "replacing": args.replace, "venture": args.venture}
    report = bring(Edge.here(), Environment.named(args.env), **chosen)
    show.report(report)
    show.heading(report.environment, f"imported: {', '.join(report.taken) or 'nothing'}")
    if report.same:
        show.line(f"  the same already: {', '.join(report.same)}")
    for name, why in report.left.items():
        show.line(f"  {show.paint('!', 'yellow')} {name} {why}")
    if report.file and report.taken:
        show.line(f"  {report.file} still holds them in plain text: delete it when the store is committed")
    return 1 if report.left else 0
