"""The pre-tool hook of an agent: reads what it is about to do on standard input, and refuses what touches production.

It answers each agent in its own form: exit code 0 lets the tool run, 2 blocks it, with one line on standard error that
the model reads. Whatever goes wrong blocks. It is a speed bump; docs/agents.md says what passes it.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.agents import guard
from cattlegrid.cli import here
from cattlegrid.cli.show import Show
from cattlegrid.errors import CattlegridError

_BLOCKED = 2


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--for", dest="form", default="claude", choices=("claude", "codex", "gemini", "opencode"), help="whose hook"
    )
    here.arguments(parser)


def run(args: Namespace, show: Show) -> int:
    try:
        found = here.session(args)
        if found is None:
            return _block("this hook has lost its session (CATTLEGRID_SESSION)")
        asked = json.loads(sys.stdin.read())
        given = asked.get("tool_input") or {}
        cwd = Path(asked.get("cwd") or Path.cwd())
        verdict = guard.judge(found, str(asked.get("tool_name", "")), given, cwd)
    except (CattlegridError, ValueError, AttributeError, TypeError, OSError, RecursionError) as error:
        return _block(f"the guard could not judge this ({type(error).__name__}: {error})")
    show.report(verdict)
    return 0 if verdict.allowed else _block(verdict.reason)


def _block(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return _BLOCKED
