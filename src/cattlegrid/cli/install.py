"""Write the gateway, and hooks where there are any, into an agent's own files in this repository.

    cattlegrid install cursor
    cattlegrid install claude --venture vc

For those who do not start their agent with `cattlegrid run`. The gateway is the same; an agent that is started without
`run` keeps your terminal's variables, so the walls of `run` are not there. `uninstall` puts every file back byte for
byte. No credential is written.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli.show import Show

if TYPE_CHECKING:
    from cattlegrid.verbs.install import InstallReport


def arguments(parser: ArgumentParser) -> None:
    agent(parser)
    parser.add_argument("--venture", default="", metavar="NAME", help="a venture of cattlegrid.toml")


def agent(parser: ArgumentParser) -> None:
    parser.add_argument("agent", metavar="AGENT", help="claude, codex, gemini, opencode, cursor, vscode, or mcp")
    parser.add_argument("--dry-run", action="store_true", help="show the files; write nothing")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.install import install  # noqa: PLC0415 - as above

    report = install(Edge.here(), args.agent, venture=args.venture, dry_run=args.dry_run)
    shown(report, show, dry_run=args.dry_run)
    show.line(f"  {show.paint('note', 'yellow')}: {report.remains}")
    show.line("  the walls of `cattlegrid run` are not there: this agent has your terminal's variables")
    return 0


def shown(report: InstallReport, show: Show, *, dry_run: bool) -> None:
    show.report(
        {
            "agent": report.agent,
            "remains": report.remains,
            "files": [{"file": one.file, "written": one.after is not None} for one in report.changes],
        }
    )
    for one in report.changes:
        did = "removed" if one.after is None else "written" if one.before is None else "changed"
        show.line(f"  {one.file}: {f'would be {did}' if dry_run else did}")
        if dry_run and one.after is not None:
            for line in one.after.decode().splitlines():
                show.line(f"    {line}")
