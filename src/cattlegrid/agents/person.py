"""Is the process at the other end a person's, in another terminal? What can be seen of it under Linux.

It is a speed bump: a program of the same user that drives a person's own tmux or terminal cannot be told from them.
The wall is an approval signed with a key that wants a touch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.agents.session import VARIABLE

_PROC: Final = Path("/proc")
_AGENTS_MARKS: Final = ("CLAUDECODE=", "CODEX_SANDBOX", "CODEX_THREAD_ID=", "GEMINI_CLI=", "OPENCODE=", f"{VARIABLE}=")


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    terminal: int
    started: int


def process(pid: int) -> Process | None:
    """None when there is no such process, or it cannot be seen."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return Process(pid, int(fields[1]), int(fields[4]), int(fields[19]))


def ancestry(pid: int) -> Iterator[Process]:
    """The process and its ancestors, without init."""
    seen = process(pid)
    while seen is not None and seen.pid > 1:
        yield seen
        seen = process(seen.parent)


def why_not(pid: int, agent: int) -> str:
    """Why this process does not count as a person's; empty when nothing speaks against it."""
    line = list(ancestry(pid))
    if not line:
        return "the process that asks cannot be seen"
    session = process(agent)
    if any(one.pid == agent for one in line):
        return "it is asked from the agent's own process tree"
    if line[0].terminal == 0:
        return "it is asked without a terminal"
    if session is not None and line[-1].started >= session.started:
        return "its process tree began after the session did: it looks like one that has left the agent's tree"
    for one in line:
        try:
            names = (_PROC / str(one.pid) / "environ").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if any(name.startswith(_AGENTS_MARKS) for name in names):
            return "it is asked from an agent's environment"
    return ""
