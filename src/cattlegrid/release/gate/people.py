"""Whether a person is at work: the names of the programs that started this one, and what agents leave in variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cattlegrid.errors import Refused

_PROGRAMS: Final = frozenset({
    "aider", "amp", "auggie", "claude", "codex", "copilot", "crush", "cursor-agent", "droid", "gemini", "goose",
    "opencode", "qwen",
})  # fmt: skip
VARIABLES: Final = (
    "CATTLEGRID_SESSION", "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CODEX_SANDBOX", "CURSOR_AGENT", "CURSOR_TRACE_ID",
    "GEMINI_CLI", "OPENCODE",
)  # fmt: skip


def agent(programs: Iterable[str], environ: Mapping[str, str]) -> str:
    """What shows that an agent is at work; empty when nothing does. A speed bump: an agent can hide both."""
    for program in programs:
        if program in _PROGRAMS:
            return f"it was started by {program}"
    for name in VARIABLES:
        if environ.get(name):
            return f"the variable {name} is set"
    return ""


def at_work(programs: Iterable[str], environ: Mapping[str, str], *, terminal: bool) -> str:
    """How a person is known to have started this; empty when an agent may have."""
    if agent(programs, environ):
        return ""
    if environ.get("GITHUB_ACTIONS") == "true":
        by_hand = environ.get("GITHUB_EVENT_NAME") == "workflow_dispatch"
        return f"{environ.get('GITHUB_ACTOR', 'somebody')} started this run on GitHub by hand" if by_hand else ""
    return f"{environ.get('USER', 'a person')} at a terminal" if terminal else ""


def refuse_agent(doing: str, programs: Iterable[str], environ: Mapping[str, str]) -> None:
    """Raises Refused in an agent's process tree."""
    if found := agent(programs, environ):
        raise Refused(
            f"a person has to {doing}, and this runs in an agent's process tree: {found}",
            next=f"{doing} from a terminal of your own",
        )
