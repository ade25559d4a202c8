"""Gemini CLI: a system settings file, which comes before the user's and the project's, named by one variable.

Measured with 0.61: it is refused under a parent that others may write, and loaded from a 0700 folder. Its parser of
policies splits names at `_`, so the server's name has none.
"""

from __future__ import annotations

import json

from cattlegrid.agents.launch import SERVER, Launch, Start, server

_POLICY = """\
[[rule]]
toolName = "run_shell_command"
commandRegex = ".*(wrangler|npm|npx).*(production|:prod).*"
decision = "deny"
priority = 900
denyMessage = "This session is kept on staging by cattlegrid; a person promotes."
"""


def launch(start: Start) -> Launch:
    settings = {
        "mcpServers": {SERVER: {**server(start), "timeout": 120000, "trust": True}},
        "mcp": {"allowed": [SERVER]},
        "hooks": hooks(start.own("banner", "--for", "gemini"), start.hook("guard", "--for", "gemini")),
        "hooksConfig": {"enabled": True},
    }
    files = {"gemini-settings.json": json.dumps(settings, indent=2), "gemini-policy.toml": _POLICY}
    words = ("--policy", str(start.folder / "gemini-policy.toml"))
    variables = {"GEMINI_CLI_SYSTEM_SETTINGS_PATH": str(start.folder / "gemini-settings.json")}
    unprotected = ("the network stays open: Gemini's own sandbox wants a container",) if start.sandbox else ()
    return Launch((start.argv[0], *words, *start.argv[1:]), variables, files, unprotected)


def hooks(banner: str, guard: str) -> dict[str, object]:
    """The two commands, in Gemini CLI's form."""

    def hook(name: str, command: str) -> dict[str, object]:
        return {"name": f"cattlegrid-{name}", "type": "command", "command": command, "timeout": 10000}

    return {
        "SessionStart": [{"matcher": "startup|resume|clear|compress", "hooks": [hook("banner", banner)]}],
        "BeforeTool": [{"hooks": [hook("guard", guard)]}],
    }
