"""Which walls stand between an agent's shell and production: pass, fail or not measured, each with the fix."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = "Exit code 1 when a wall does not stand, 4 when one could not be looked at."


def run(_args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.doctor import doctor  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    found = doctor(Edge.here())
    show.report(found)
    for wall in found.walls:
        show.line(f"  {show.mark(wall.outcome)} {wall.name}  {show.paint(wall.detail, 'dim')}")
        if wall.fix:
            show.line(f"      fix: {wall.fix}")
    show.line(f"  {show.outcome(found.outcome)}  {len(found.walls)} walls looked at")
    return found.outcome.exit_code
