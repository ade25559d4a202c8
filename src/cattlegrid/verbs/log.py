"""`log`: what agents called."""

from __future__ import annotations

from dataclasses import dataclass

from cattlegrid.agents import calls
from cattlegrid.agents.calls import Call
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


@dataclass(frozen=True)
class CallLog:
    """Oldest first. `file` is where the calls of this fleet are kept on this machine."""

    file: str
    calls: tuple[Call, ...]


def log(edge: Edge, *, at_most: int = 50, session: str = "") -> CallLog:
    """The newest calls, of one session or of all. Raises UsageError outside of a fleet."""
    file = calls.place(edge.environ, load(edge.cwd).name)
    found = [call for call in calls.read(file) if not session or call.session == session]
    return CallLog(str(file), tuple(found[-at_most:]))
