"""Replace an isolated secret's value without a refused request: accept the new one, switch, then --finish.

It needs a second slot (secrets.about.NAME.previous); without one, --at-once refuses the old value from the switch on.
Stopped half-way, the same command goes on from where it was.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    options.environment(parser)
    parser.add_argument("--finish", action="store_true", help="remove the old value, once everybody has the new one")
    parser.add_argument("--at-once", action="store_true", help="no second slot: the old value is refused from now on")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.rotate import RotateOptions, rotate_secret  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    chosen = RotateOptions(finish=args.finish, at_once=args.at_once)
    with show.telling() as tell:
        report = rotate_secret(Edge.here(), environment, args.name, chosen, tell=tell)
    show.report(report)
    if report.old_accepted:
        show.heading(environment, f"{report.name} has a new value; the old one is accepted too, until you type:")
        show.line(f"  cattlegrid secrets rotate {report.name} --env {environment} --finish")
    else:
        show.heading(environment, f"{report.name}: {'; '.join(report.done) or 'no rotation is under way'}")
    return 0
