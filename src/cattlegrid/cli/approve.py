"""Sign the candidate, what staging runs now, with your SSH key, after seeing what it would change in production.

The signature is over the release in full (commits, digests of code, configuration and migrations) and is kept in git,
under refs/cattlegrid/approve. On a terminal it asks; elsewhere name the release: --release NAME.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.verbs.approve import Preview

_PRODUCTION = Environment.PRODUCTION


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--release", default="", metavar="NAME", help="the release that is meant; any other is refused")
    options.key(parser)
    parser.add_argument("--expires", default="24h", metavar="TIME", help="how long it counts (default 24h)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="kept with the approval")
    parser.add_argument("--show", action="store_true", help="show what would be approved, and sign nothing")
    options.summary(parser)
    parser.add_argument("--no-push", action="store_true", help="keep it in this clone only")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.process import lineage  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.approve import ApproveOptions, approve, look_at  # noqa: PLC0415 - as above
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    if args.show:
        seen = look_at(Edge.here())[0]
        _preview(seen, show)
        show.report(seen)
        _summary(args.summary, seen)
        return 0
    chosen = ApproveOptions(
        key=Path(args.key).expanduser() if args.key else None,
        expires=options.duration(args.expires, "--expires"),
        reason=args.reason,
        share=not args.no_push,
    )

    def confirm(preview: Preview) -> bool:
        _preview(preview, show)
        return _confirmed(preview, args.release, show)

    done = approve(Edge.here(), chosen, confirm, programs=lineage())
    show.report(done)
    until = f" until {done.record.expires:%Y-%m-%d %H:%M} UTC" if done.record.expires is not None else ""
    show.heading(_PRODUCTION, f"release {show.paint(done.record.name, 'bold')} approved{until}")
    show.line(f"  {options.kept(done.record.ref, done.shared)}")
    show.line(f"  next: cattlegrid promote --release {done.record.name}")
    return 0


def _summary(path: str, seen: Preview) -> None:
    if path:
        from cattlegrid.cli import summary  # noqa: PLC0415 - HTML, for who asked

        summary.append(path, summary.preview(seen))


def _preview(preview: Preview, show: Show) -> None:
    show.heading(_PRODUCTION, f"release {show.paint(preview.manifest.name, 'bold')}")
    for worker, piece in preview.manifest.workers.items():
        show.line(f"  {worker}  commit {piece.commit[:12]}  code {piece.code[:12]}")
    if preview.difference is None:
        show.line(f"  {show.paint('?', 'yellow')} production was not looked at: {preview.missing}")
    else:
        options.difference(show, preview.difference)
        show.line(f"  gate: {preview.rules}")


def _confirmed(preview: Preview, release: str, show: Show) -> bool:
    name = preview.manifest.name
    if release:
        if release != name:
            raise Refused(f"the candidate is now {name}, not {release}", next="cattlegrid approve")
        return True
    if not (sys.stdin.isatty() and show.live):
        raise Refused(
            "approving needs a person at a terminal, or the release by name",
            next=f"cattlegrid approve --release {name}",
        )
    return show.ask(f"Type the release's name to approve it for {show.environment(_PRODUCTION)}: ") == name
