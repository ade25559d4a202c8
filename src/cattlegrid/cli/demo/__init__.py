"""The whole story in eleven scenes, offline: a local Cloudflare, the example fleet, and every command typed for real.

The fleet is left running in ./cattlegrid-demo to be played with; run the demo again and it begins anew.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--into", default="cattlegrid-demo", metavar="DIR", help="where the fleet is laid out")
    parser.add_argument("--pause", action="store_true", help="wait for Enter before each scene")
    parser.add_argument("--clean", action="store_true", help="stop everything and remove the folder at the end")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.cli.demo.play import play  # noqa: PLC0415 - the parser alone (--help) needs none of this

    return play(Path(args.into).absolute(), show, pause=args.pause, clean=args.clean)
