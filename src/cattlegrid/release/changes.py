"""What changed: a worker as it is here against what is live of it. Pure: values in, a verdict out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cattlegrid.model.change import Change, LiveVersion, Reason, Verdict
from cattlegrid.model.stamp import DIGITS, Stamp
from cattlegrid.release.live import Live

_LABELS: Final = {
    "code": "its code differs",
    "config": "its configuration differs",
    "schema": "its migrations differ",
    "inputs": "its inputs differ (not built: whether the code differs was not looked at)",
}


def compare(worker: str, now: Stamp, live: Live) -> Change:
    """The verdict. Equal inputs, config and schema decide without a build; otherwise `now.digests.code` is compared,
    and without one (not built) different inputs count as a change.
    """
    shown = _live_version(live)
    if live.version is None:
        return Change(worker, Verdict.NEW, (Reason("live", "nothing of it was ever deployed"),), now)
    if live.stamp is None:
        return Change(worker, Verdict.DRIFTED, (Reason("live", live.drift or "it has no stamp"),), now, shown)
    reasons = _differences(now, live.stamp)
    verdict = Verdict.CHANGED if reasons else Verdict.UNCHANGED
    same = (Reason("inputs", _why_unchanged(now, live.stamp)),)
    return Change(worker, verdict, reasons or same, now, shown)


def unknown(worker: str, now: Stamp, reason: Reason, live: Live | None = None) -> Change:
    return Change(worker, Verdict.UNKNOWN, (reason,), now, _live_version(live) if live is not None else None)


def needs_build(now: Stamp, live: Live) -> bool:
    """Whether the code has to be known: the cheap digests alone do not say that nothing changed."""
    cheap = replace(now, digests=replace(now.digests, code=""))
    return live.stamp is None or bool(_differences(cheap, live.stamp))


def same(one: str, other: str) -> bool:
    """Digests may be whole or cut to a stamp's length."""
    return one[:DIGITS] == other[:DIGITS]


def _differences(now: Stamp, live: Stamp) -> tuple[Reason, ...]:
    inputs_differ = not same(now.digests.inputs, live.digests.inputs)
    found = []
    if now.digests.code and not same(now.digests.code, live.digests.code):
        found.append("code")
    if not same(now.digests.config, live.digests.config):
        found.append("config")
    if not same(now.digests.schema, live.digests.schema):
        found.append("schema")
    if not now.digests.code and inputs_differ:
        found.append("inputs")
    reasons = [Reason(about, _LABELS[about]) for about in found]
    if live.dirty and not now.dirty:
        reasons.append(Reason("commit", "what is live was deployed from uncommitted files and could not be promoted"))
    return tuple(reasons)


def _why_unchanged(now: Stamp, live: Stamp) -> str:
    if same(now.digests.inputs, live.digests.inputs):
        return "everything that goes into it is as it was"
    return "files changed, but what wrangler makes of them is the same"


def _live_version(live: Live) -> LiveVersion | None:
    if live.version is None or live.deployment is None:
        return None
    return LiveVersion(
        version=live.version.id,
        since=live.deployment.created_on.isoformat(),
        by=live.deployment.author,
        commit=live.stamp.commit if live.stamp is not None else "",
        dirty=live.stamp is not None and live.stamp.dirty,
    )
