"""Codex: everything through `-c`, which holds for this run only.

Measured with 0.169: hooks that were never trusted are skipped without a word, so this run is told to trust its own.
It expands no `${X}` and hands eleven variables to an MCP server, so the session's folder is named literally.
"""

from __future__ import annotations

import json

from cattlegrid.agents.launch import OWN, SERVER, Launch, Start
from cattlegrid.agents.session import VARIABLE


def launch(start: Start) -> Launch:
    settings = {
        f"mcp_servers.{SERVER}.command": OWN[0],
        f"mcp_servers.{SERVER}.args": [*OWN[1:], "mcp"],
        f"mcp_servers.{SERVER}.startup_timeout_sec": 30,
        f"mcp_servers.{SERVER}.required": True,
        "allow_login_shell": False,
        "developer_instructions": "\n".join(start.banner),
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={_toml(value)}")]
    words += ["-c", f"mcp_servers.{SERVER}.env={{ {VARIABLE} = {_toml(str(start.folder))} }}"]
    words += [
        "-c",
        f"hooks.SessionStart={_hook('startup|resume|clear|compact', start.own('banner', '--for', 'codex'))}",
    ]
    words += ["-c", f"hooks.PreToolUse={_hook('', start.hook('guard', '--for', 'codex'))}"]
    words += ["--dangerously-bypass-hook-trust"]
    if start.sandbox:
        words += ["-c", 'sandbox_mode="workspace-write"', "-c", "sandbox_workspace_write.network_access=false"]
    return Launch((start.argv[0], *words, *start.argv[1:]))


def _hook(matcher: str, command: str) -> str:
    match = f"matcher = {_toml(matcher)}, " if matcher else ""
    return f'[{{ {match}hooks = [{{ type = "command", command = {_toml(command)}, timeout = 10 }}] }}]'


def _toml(value: object) -> str:
    """JSON's texts, lists, numbers and booleans are TOML's too, as long as no character is escaped by surrogates."""
    return json.dumps(value, ensure_ascii=False)
