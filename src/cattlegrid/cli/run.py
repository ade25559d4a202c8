"""Start an agent on staging: the fleet's tools over MCP, no deployment credential in its shell, the banner in view.

    cattlegrid run -- claude
    cattlegrid run vc -- codex exec "look at the failing note search"

The agent runs in bubblewrap where it is installed: a wrangler login, SSH keys, files of production's secrets and other
processes are not there. --sandbox limits the network too, --no-sandbox takes the walls away.

A venture that declares no staging gets production, whole, with a warning; --strict makes that an error. Production by
name (--env production) is for a person at a terminal, who types it once more.
"""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import Refused, UsageError
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.verbs.run import Prepared


def arguments(parser: ArgumentParser) -> None:
    _options(parser)
    parser.add_argument("words", nargs=REMAINDER, metavar="[VENTURE] -- AGENT …", help="the agent's command after --")


def _options(parser: ArgumentParser) -> None:
    options.environment(parser)
    parser.add_argument("--strict", action="store_true", help="a venture without staging is an error")
    sandbox = parser.add_mutually_exclusive_group()
    sandbox.add_argument(
        "--sandbox", action="store_true", help="limit the agent's network too: the session's workers and [agents] hosts"
    )
    sandbox.add_argument(
        "--no-sandbox", action="store_true", help="no bubblewrap: the agent's shell reads what you can read"
    )
    parser.add_argument(
        "--agent", default="", metavar="NAME", help="claude, codex, gemini or opencode (else by program)"
    )
    parser.add_argument(
        "--inject", action="append", default=[], metavar="NAME", help="give the agent this variable too"
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print all that would be written and set; start nothing"
    )


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.agents.sandbox import Walls  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above
    from cattlegrid.verbs.run import Options, config, start  # noqa: PLC0415 - as above

    venture, argv = _split(args)
    chosen = Options(
        argv=argv,
        venture=venture,
        environment=Environment.named(args.env),
        strict=args.strict,
        agent=args.agent,
        walls=Walls.NETWORK if args.sandbox else Walls.NONE if args.no_sandbox else Walls.FILES,
        inject=tuple(args.inject),
    )
    if args.print_config:
        _print(config(Edge.here(), chosen), show)
        return 0
    start(Edge.here(), chosen, lambda lines: _banner(lines, show), lambda: _confirmed(show))
    return 0


def _split(args: Namespace) -> tuple[str, tuple[str, ...]]:
    """The venture and the agent's command; options between them are read into `args`."""
    words: list[str] = args.words
    if "--" not in words:
        raise UsageError("the agent's command comes after --", next="cattlegrid run -- claude")
    at = words.index("--")
    before = ArgumentParser(prog="cattlegrid run")
    before.add_argument("venture", nargs="?", default="")
    before.add_argument("--json", action="store_true")
    _options(before)
    before.parse_args(words[:at], args)
    return args.venture, tuple(words[at + 1 :])


def _confirmed(show: Show) -> bool:
    if not sys.stdin.isatty():
        raise Refused("production by name is for a person at a terminal", next="cattlegrid run -- <agent>   (staging)")
    name = show.environment(Environment.PRODUCTION)
    return show.ask(f"This session would be {name}. Type {name} to start it: ") == Environment.PRODUCTION.value


def _banner(lines: tuple[str, ...], show: Show) -> None:
    for line in lines:
        loud = line.startswith("WARNING")
        sys.stderr.write((show.paint(f"!!! {line} !!!", "red", "bold") if loud else line) + "\n")
    sys.stderr.flush()


def _print(prepared: Prepared, show: Show) -> None:
    ours = {name for name in prepared.environ if name.startswith("CATTLEGRID_") or name in prepared.launch.variables}
    shown = {name: value if name in ours else "" for name, value in prepared.environ.items()}
    show.report(replace(prepared, environ=shown))
    for line in (*prepared.loose, *prepared.banner):
        show.line(line)
    show.line("\nis executed:")
    show.line("  " + " ".join(prepared.launch.argv))
    show.line("\nthe child's environment (names; nothing else is passed on):")
    for name in sorted(shown):
        show.line(f"  {name}{f'={shown[name]}' if name in ours else ''}")
    for name, text in prepared.launch.files.items():
        show.line(f"\n{prepared.folder / name}:")
        for line in text.splitlines():
            show.line(f"  {line}")
    for text in prepared.launch.unprotected:
        show.line(f"\n{show.paint('note', 'yellow')}: {text}")
