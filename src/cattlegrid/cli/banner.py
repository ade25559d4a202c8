"""Which environment this session is, beside its address. For a terminal, a prompt, a status line or an agent's hook.

It asks nothing of the network: inside a session it knows what the session knew when it began. Outside of one it says
so, and that `wrangler` and `cattlegrid` here would act with this terminal's own credentials.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from cattlegrid.agents import banner
from cattlegrid.cli import here
from cattlegrid.cli.show import Show

_FORMS = ("terminal", "prompt", "status-line", "claude", "codex", "gemini")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--for", dest="form", default="terminal", choices=_FORMS, help="whose form (default terminal)")
    here.arguments(parser)


def run(args: Namespace, show: Show) -> int:
    found = here.session(args)
    if found is None:
        show.report({"environment": None})
        show.line("Environment: none  (not an agent's session; start one: cattlegrid run -- claude)")
        return 0
    now = datetime.now(UTC)
    show.report({"environment": found.environment, "line": banner.head(found), "session": found})
    if args.form in {"prompt", "status-line"}:
        show.line(banner.status_line(found, now))
    elif args.form == "terminal":
        for line in banner.lines(found, now):
            show.line(line)
    else:
        sys.stdout.write(json.dumps(_hook(banner.lines(found, now))) + "\n")
    return 0


def _hook(lines: tuple[str, ...]) -> dict[str, object]:
    """The shape that the session-start hooks of Claude Code, Codex and Gemini CLI share."""
    text = "\n".join(lines)
    output = {"hookEventName": "SessionStart", "additionalContext": text}
    return {"systemMessage": "\n".join(lines[:2]), "hookSpecificOutput": output}
