"""`why`: the decision about one worker, in a person's words."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cattlegrid import toolchain
from cattlegrid.clock import Clock
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.change import Change, LiveVersion, Verdict, Why
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Tell
from cattlegrid.release import detect, target
from cattlegrid.release.source import checked_out
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge

_MOST_FILES: Final = 12
_VERDICTS: Final = {
    Verdict.UNCHANGED: "{worker} is unchanged in {environment}: {why}.",
    Verdict.CHANGED: "{worker} changed against {environment}: {why}.",
    Verdict.NEW: "{worker} is new in {environment}: {why}.",
    Verdict.UNKNOWN: "What to do with {worker} is unknown: {why}. It goes to staging and is refused for production.",
    Verdict.DRIFTED: (
        "{worker} has drifted in {environment}: {why}."
        " What runs there is not what cattlegrid put there: a deploy to staging replaces it, a promotion is refused."
    ),
}


def why(edge: Edge, worker: str, environment: Environment, *, tell: Tell = lambda _: None) -> Why:
    """Raises UnknownWorker, ConfigError, MissingCredential, ApiError."""
    fleet = load(edge.cwd)
    chosen = fleet.named((worker,))
    resolved = target.resolve(fleet, environment, edge.environ)
    source = checked_out(fleet, edge.environ)
    with Client(resolved.account, clock=edge.clock) as client:
        state = detect.read_state(client, resolved, tuple(one.name for one in chosen))
    builder = detect.Builder(lambda: toolchain.locate(edge.environ), edge.environ)
    change = detect.detect(source, resolved, state, builder, tell)[0].change
    parts = tuple((part.path, part.because) for part in source.inputs[worker].parts)
    return Why(environment.value, source.commit, change, parts, sentences(change, environment, edge.clock))


def sentences(change: Change, environment: Environment, clock: Clock) -> tuple[str, ...]:
    verdict = _VERDICTS[change.verdict].format(worker=change.worker, environment=environment, why=change.why)
    live = (_live(change.live, environment, clock),) if change.live is not None else ()
    shown = change.files[:_MOST_FILES]
    files = tuple(f"{file.path} ({file.how}): {file.because}." for file in shown)
    more = len(change.files) - len(shown)
    rest = (f"… and {more} more files.",) if more else ()
    return (verdict, *live, *files, *rest, *(f"Note: {note}." for note in change.notes))


def _live(live: LiveVersion, environment: Environment, clock: Clock) -> str:
    since = datetime.fromisoformat(live.since)
    made = f"from commit {live.commit[:12]}{' and uncommitted files' if live.dirty else ''}" if live.commit else ""
    by = f"by {live.by}" if live.by else ""
    when = f"since {since:%Y-%m-%d %H:%M} UTC ({_ago((clock.now() - since).total_seconds())})"
    return (
        " ".join(word for word in (f"Live in {environment}: version {live.version[:8]}", made, when, by) if word) + "."
    )


def _ago(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"
