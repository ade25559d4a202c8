"""Take values into an environment's store: from a .env or .dev.vars file, from wrangler, or from another store.

Cloudflare gives no secret's value back. So --from wrangler reads the Workers' .dev.vars files (for production only
.dev.vars.production), and lists the names on the Workers that nobody here has a value of.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="such as workers/api/.dev.vars")
    parser.add_argument(
        "--from", dest="kind", default="", choices=("wrangler", "sops", "dotenv", "infisical"), help="where else"
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
    if report.files and report.taken:
        hold = "still holds them" if len(report.files) == 1 else "still hold them"
        show.line(f"  {', '.join(report.files)} {hold} in plain text: delete what the store has when it is committed")
    return 1 if report.left else 0
