"""Where am I: the lines that begin a session. Made from the session's own file; nothing is asked of the network."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cattlegrid.agents.session import Reached, Session
from cattlegrid.model.environment import Environment

_NEXT: Final = {
    Environment.STAGING: "next: work on staging; `deploy` and `smoke` are tools of the cattlegrid MCP server;"
    " production is reached by a person's promotion only (tool `request_promotion`)",
    Environment.PRODUCTION: "next: reading is free; every write asks a person first"
    " (in the agent, or `cattlegrid allow ID` in another terminal)",
}


def head(session: Session) -> str:
    """One line: the environment beside the address."""
    urls = [worker.url for worker in session.workers if worker.url and worker.mcp]
    urls += [worker.url for worker in session.workers if worker.url and not worker.mcp]
    return f"Environment: {session.environment}  {urls[0] if urls else 'API address unknown'}"


def warning(session: Session) -> str:
    """Empty unless the session fell back to production."""
    if not session.fallback:
        return ""
    return (
        f"WARNING: venture {session.venture} has no staging. THIS SESSION IS PRODUCTION, whole: address, credentials,"
        " databases. It reads; every write needs a person's approval."
    )


def lines(session: Session, now: datetime) -> tuple[str, ...]:
    """For people and models alike, the environment first."""
    said = warning(session)
    venture = f"venture {session.venture}, " if session.venture else ""
    live = "; ".join(_live(worker, now) for worker in session.workers) or "no worker is known"
    return (
        *((said,) if said else ()),
        head(session),
        f"{venture}fleet {session.fleet}; when this session began, {session.environment} ran: {live}",
        *((f"in this shell, of {session.environment}: {', '.join(session.secrets)}",) if session.secrets else ()),
        _NEXT[session.environment],
    )


def status_line(session: Session, now: datetime) -> str:
    """For a status line or a prompt: short, the environment first, in capitals where it is production."""
    production = session.environment is Environment.PRODUCTION
    name = "PRODUCTION" if production else session.environment.value
    fell = " (no staging!)" if session.fallback else ""
    venture = f" · {session.venture}" if session.venture else ""
    live = next((worker for worker in session.workers if worker.commit), None)
    commit = f" · {live.commit[:7]} {_age(live.deployed, now)}" if live is not None else ""
    return f"{'⚠ ' if production else ''}Environment: {name}{fell}  {head(session).split('  ', 1)[1]}{venture}{commit}"


def _live(worker: Reached, now: datetime) -> str:
    if not worker.version:
        return f"{worker.name}: unknown"
    commit = f"commit {worker.commit[:12]}{' and uncommitted files' if worker.dirty else ''}" if worker.commit else ""
    return f"{worker.name} {commit or f'version {worker.version[:8]} (no stamp)'}, {_age(worker.deployed, now)}"


def _age(moment: str, now: datetime) -> str:
    if not moment:
        return "age unknown"
    seconds = max(0.0, (now - datetime.fromisoformat(moment)).total_seconds())
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word} ago"
    return "just now"
