"""The command line: one file a command. Each parses, calls a verb and shows what came back."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from cattlegrid import __version__
from cattlegrid.cli.show import Show
from cattlegrid.errors import CattlegridError, UsageError
from cattlegrid.model.secret import redact

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from types import TracebackType

COMMANDS = {
    "init": "look at the repository and write its cattlegrid.toml",
    "split": "one environment becomes staging and production, proven by wrangler's own reader",
    "check": "examine the files: shared resources, drift, callers, secrets",
    "changes": "which workers changed, against what is live",
    "why": "explain the decision about one worker",
    "deploy": "deploy what changed to staging, then smoke-test it",
    "provision": "create what an environment lacks: databases, namespaces, buckets, queues",
    "migrate": "apply pending migrations to staging; adopt a ledger that was never kept",
    "schema": "compare the structure of commit, staging and production; find risky migrations",
    "smoke": "examine what is live: version, database, bindings, keys",
    "approve": "sign the candidate, after seeing what it changes",
    "reject": "no promotion of this release any more",
    "hold": "no promotion at all, until somebody lifts it",
    "unhold": "lift a hold or a rejection by its name",
    "promote": "move the candidate's very bytes from staging to production",
    "rollback": "back to the last release verified in production, and hold",
    "status": "both environments, every worker, and what to do next",
    "history": "who deployed what, and when",
    "workflow": "write the GitHub workflow, or check it",
    "mirror": "copy production's data into staging, masked and verified",
    "rehearse": "pending migrations on a throw-away copy of production's rows",
    "backup": "an environment's databases as files, every value verified",
    "restore": "a backup into a new database, which the environment is switched to",
    "secrets": "push the secrets that an environment needs",
    "run": "start an agent on staging: no credential of yours, the fleet's tools",
    "banner": "which environment this session is, beside its address",
    "mcp": "the MCP gateway: the tools of one environment's workers",
    "guard": "an agents' pre-tool hook: refuses what touches production",
    "install": "an agent's own files, for starting it without `run`",
    "uninstall": "those files as they were, byte for byte",
    "doctor": "which walls stand between an agent and production",
    "allow": "let one waiting write of an agent run, once",
    "log": "what agents called, when, and how it ended",
    "local": "the local Cloudflare: up, down, status, env, reset, fault",
    "demo": "the whole story in nine scenes, offline",
}

_HEAD = """\
usage: cattlegrid COMMAND [options]

Staging and production for Cloudflare Workers and D1, with the agents kept on the staging side.
"""

_TAIL = """
Staging is where everything goes unless production is named.
Every command takes --json and --help. Exit codes: 0 pass, 1 fail, 2 usage, 3 refused, 4 not measured.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The console script: the exit code of the command, with every error shown once and in full."""
    if argv is None:
        keep_secrets()
    words = list(sys.argv[1:] if argv is None else argv)
    show = Show(sys.stdout, sys.stderr, os.environ, json="--json" in words)
    try:
        return _dispatch(words, show)
    except CattlegridError as error:
        show.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        show.interrupted()
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has gone. Point stdout at nothing, so that the interpreter's own flush stays silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def keep_secrets() -> None:
    """A crash of this process, or of one that it starts, leaves no value behind: in a traceback or a core dump."""
    import resource  # noqa: PLC0415 - an import of main() alone does not change the process

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.excepthook = _crashed


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    import traceback  # noqa: PLC0415 - only a crash pays

    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def _dispatch(words: list[str], show: Show) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        show.line(_HEAD + "\n" + "\n".join(f"  {name:<10} {line}" for name, line in COMMANDS.items()) + "\n" + _TAIL)
        return 0 if words else 2
    if words[0] in {"--version", "-V"}:
        show.line(f"cattlegrid {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name!r}{_closest(name)}", next="cattlegrid --help")
    code: int = _module(name).run(parser_of(name).parse_args(rest), show)
    return code


def parser_of(name: str) -> ArgumentParser:
    """The parser of one command; its module's docstring is the description."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter  # noqa: PLC0415 - 12 ms that --help does not pay

    command = _module(name)
    shape = partial(RawDescriptionHelpFormatter, width=_width())
    parser = ArgumentParser(prog=f"cattlegrid {name}", description=command.__doc__, formatter_class=shape)
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document")
    command.arguments(parser)
    return parser


def _width() -> int:
    """As argparse would find it, without shutil and the compression that comes with it: 10 ms."""
    with suppress(ValueError, OSError):
        return int(os.environ.get("COLUMNS") or os.get_terminal_size().columns or 80) - 2
    return 78


def _module(name: str) -> Any:
    return importlib.import_module(f"cattlegrid.cli.{name}")


def _closest(name: str) -> str:
    import difflib  # noqa: PLC0415 - 8 ms that only a misspelt command should pay

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
