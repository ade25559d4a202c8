"""Whose session this is: an agent's shell is told from a person's by the variables that agents set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cattlegrid.errors import Refused

# What Claude Code, Codex, Gemini CLI, Cursor, opencode and our own launcher set for the programs that they start.
_AGENTS: Final = (
    "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CODEX_SANDBOX", "CODEX_THREAD_ID", "GEMINI_CLI", "CURSOR_AGENT",
    "CURSOR_TRACE_ID", "OPENCODE", "CATTLEGRID_SESSION", "AI_AGENT",
)  # fmt: skip


def agent(environ: Mapping[str, str]) -> str:
    """The variable that tells that an agent started us; empty for a person's session."""
    return next((name for name in _AGENTS if environ.get(name)), "")


def refuse_agents(environ: Mapping[str, str], what: str) -> None:
    """Raises Refused in an agent's session. A speed bump: the wall is that an agent's machine holds no key."""
    told_by = agent(environ)
    if told_by:
        raise Refused(f"in an agent's session (it sets {told_by}) {what}", next="ask a person to type it")
