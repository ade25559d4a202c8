"""Claude Code: `--mcp-config`, `--settings` (hooks, status line, permissions, sandbox), `--append-system-prompt`.

Measured with 2.1.197: settings given by flag hold in a folder that was never trusted, and nothing is written to it.
"""

from __future__ import annotations

import json
from typing import Final

from cattlegrid.agents.launch import SERVER, Launch, Start, server

DENIED: Final = (
    "Bash(*wrangler*--env production*)", "Bash(*wrangler*--env=production*)", "Bash(*wrangler*-e production*)",
    "Bash(*CLOUDFLARE_ENV=production*)", "Bash(cattlegrid promote*)", "Bash(cattlegrid allow*)",
    "Bash(cattlegrid approve*)", "Bash(*--no-verify*)",
)  # fmt: skip


def launch(start: Start) -> Launch:
    config = {"mcpServers": {SERVER: {"type": "stdio", **server(start)}}}
    words = (
        "--mcp-config",
        str(start.folder / "claude-mcp.json"),
        "--strict-mcp-config",
        "--settings",
        str(start.folder / "claude-settings.json"),
        "--append-system-prompt",
        "\n".join(start.banner),
    )
    files = {
        "claude-mcp.json": json.dumps(config, indent=2),
        "claude-settings.json": json.dumps(_settings(start), indent=2),
    }
    return Launch((start.argv[0], *words, *start.argv[1:]), {}, files)


def hooks(banner: str, guard: str) -> dict[str, object]:
    """The two commands, in Claude Code's form."""

    def hook(matcher: str, command: str) -> list[object]:
        return [{"matcher": matcher, "hooks": [{"type": "command", "command": command, "timeout": 10}]}]

    return {"SessionStart": hook("startup|resume|clear|compact", banner), "PreToolUse": hook("*", guard)}


def _settings(start: Start) -> dict[str, object]:
    settings: dict[str, object] = {
        "permissions": {"deny": list(DENIED), "allow": [f"mcp__{SERVER}"]},
        "hooks": hooks(start.own("banner", "--for", "claude"), start.hook("guard", "--for", "claude")),
        "statusLine": {"type": "command", "command": start.own("banner", "--for", "status-line")},
        "enableAllProjectMcpServers": False,
    }
    if start.sandbox:
        settings["sandbox"] = {
            "enabled": True,
            "failIfUnavailable": True,
            "allowUnsandboxedCommands": False,
            "autoAllowBashIfSandboxed": True,
            "network": {"allowedDomains": _hosts(start), "allowLocalBinding": False},
            "credentials": {"envVars": [{"name": "CLOUDFLARE_API_TOKEN", "mode": "deny"}]},
            "filesystem": {"denyRead": ["~/.config/.wrangler", "~/.wrangler", "~/.ssh", "~/.config/gh", "~/.npmrc"]},
        }
    return settings


def _hosts(start: Start) -> list[str]:
    found = (worker.url.partition("://")[2].partition(":")[0] for worker in start.session.workers)
    return sorted({host for host in (*found, *start.session.hosts) if host})
