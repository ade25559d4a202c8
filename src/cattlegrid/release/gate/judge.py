"""The conditions that people decide: approval, rejections, holds; and how long a candidate has stood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cattlegrid.model.check import Check, Outcome
from cattlegrid.release.digests import canonical
from cattlegrid.release.gate.manifest import Manifest
from cattlegrid.release.gate.records import Kind, Record, Records
from cattlegrid.release.gate.rules import Rules
from cattlegrid.release.gate.signing import Signers, Verified, fingerprint, verify
from cattlegrid.release.live import Live
from cattlegrid.release.promotion import marks

_CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Case:
    """What the conditions are judged by. `rules` are production's; `newer` are those of the candidate and of what is
    checked out, which may take an approver's key away and can add none.

    `authors` are the addresses in the release's commits, None when they cannot be told. `person` says how a person is
    known to be at work: empty when none is.
    """

    rules: Rules
    newer: tuple[Rules, ...]
    records: Records
    manifest: Manifest
    authors: frozenset[str] | None
    person: str
    now: datetime
    environ: Mapping[str, str]

    def signers(self) -> Signers:
        allowed = self.rules.allowed()
        gone = tuple(key for one in self.newer for key in one.allowed().revoked)
        return Signers(allowed.allowed, (*allowed.revoked, *gone))


def approval(case: Case) -> tuple[Check, ...]:
    """A person approved exactly this release, by the rules in force; nothing when they ask for no approval."""
    if case.rules.approval is None:
        return ()
    if case.rules.approval == "person":
        if case.person:
            return (Check("approval", Outcome.PASS, case.person),)
        detail = "needs a person at a terminal, or a run that a person started on GitHub by hand"
        return (Check("approval", Outcome.FAIL, detail),)
    given = [one for one in case.records.of(Kind.APPROVE, case.manifest.name) if one.fleet == case.manifest.fleet]
    refused = []
    for record in given:
        why, who = _refusal(case, record)
        if not why:
            until = f" until {record.expires:%Y-%m-%d %H:%M} UTC" if record.expires is not None else ""
            return (Check("approval", Outcome.PASS, f"signed by {who}{until}"),)
        refused.append(f"that of {record.by or record.id} does not count: {why}")
    looked = f"{len(given)} approvals of {case.manifest.name} were found"
    detail = "; ".join([looked, *refused]) + ("" if given else "; cattlegrid approve gives one")
    if case.records.unread:
        detail += f"; {case.records.unread}"
    return (Check("approval", Outcome.FAIL, detail),)


def _refusal(case: Case, record: Record) -> tuple[str, str]:
    """Why an approval does not count, or (empty) who gave it."""
    if record.problem:
        return record.problem, ""
    if record.expires is None or record.expires <= case.now:
        return f"it expired at {record.expires:%Y-%m-%d %H:%M} UTC" if record.expires else "it never expires", ""
    if record.at is not None and record.at > case.now + _CLOCKS_DIFFER:
        return f"it is dated {record.at:%Y-%m-%d %H:%M} UTC, which is in the future: a clock is wrong", ""
    if canonical(record.release) != canonical(case.manifest.document):
        return f"it was given to other content: {_difference(record.release, case.manifest.document)}", ""
    found = signed_by(case, record)
    if not found.principal:
        return found.why, ""
    name = found.principal.removeprefix("approver:")
    return _own_work(case, found.principal), name


def signed_by(case: Case, record: Record) -> Verified:
    """Who of the approvers in force signed the record."""
    if not record.signature:
        return Verified("", "it is not signed")
    found = verify(record.document, record.signature, case.signers(), case.environ)
    if found.principal or "nobody among" not in found.why:
        return found
    for one in case.newer:
        allowed = one.allowed()
        if verify(record.document, record.signature, Signers(allowed.allowed), case.environ).principal:
            key = fingerprint(record.signature)
            return Verified("", f"its key {key} is an approver's only in newer settings, not in production's")
    return found


def _own_work(case: Case, principal: str) -> str:
    if case.rules.self_approval:
        return ""
    if case.authors is None:
        return "the authors of the release cannot be told in this clone"
    people = {f"approver:{one.name}": one.emails for one in case.rules.approvers}
    own = case.authors & {address.lower() for address in people.get(principal, (principal,))}
    return f"{min(own)} is an author of the release, and the rules ask for somebody else" if own else ""


def _difference(given: object, wanted: Mapping[str, object]) -> str:
    theirs = given.get("workers") if isinstance(given, Mapping) else None
    ours = wanted["workers"]
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        changed = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
        return ", ".join(changed) or "another fleet or environment"
    return "it holds no release"


def rejection(case: Case) -> Check:
    """Nobody rejected the release."""
    standing = _standing(case, case.records.of(Kind.REJECT, case.manifest.name))
    return _stops(case, "not rejected", "no rejection of this release", standing)


def holds(case: Case, production: Mapping[str, Live]) -> Check:
    """Nothing holds production: neither a roll back nor a person."""
    rolled = []
    for name, one in production.items():
        mark = marks.read(one.deployment.message) if one.deployment is not None else None
        if mark is not None and mark.stage == "held" and one.deployment is not None:
            since = f"{one.deployment.created_on:%Y-%m-%d %H:%M}"
            rolled.append(f"{name} was rolled back at {since} UTC; cattlegrid unhold {mark.release} lifts that")
    held = [*rolled, *_standing(case, case.records.of(Kind.HOLD))]
    return _stops(case, "no hold", "no hold on production", held)


def _stops(case: Case, name: str, none: str, standing: list[str]) -> Check:
    if standing:
        return Check(name, Outcome.FAIL, "; ".join(standing))
    if case.records.unread:
        return Check(name, Outcome.NOT_MEASURED, case.records.unread)
    where = f"on {case.records.remote}" if case.records.remote else "in this clone, which has no remote"
    return Check(name, Outcome.PASS, f"{none} {where}")


def _standing(case: Case, stops: Iterable[Record]) -> list[str]:
    """The stops that nobody entitled has lifted. Anybody may stop; where approval is signed, so is lifting."""
    found = []
    for stop in stops:
        if stop.fleet not in ("", case.manifest.fleet):
            continue
        lifts = case.records.of(Kind.LIFT, stop.id)
        if any(lifted(case, lift) for lift in lifts):
            continue
        why = stop.problem or stop.reason or "no reason was given"
        at = f" at {stop.at:%Y-%m-%d %H:%M} UTC" if stop.at is not None else ""
        ignored = f" ({len(lifts)} attempts to lift it are not signed by an approver)" if lifts else ""
        by = stop.by or "somebody"
        found.append(f"{stop.kind} {stop.id} by {by}{at}: {why}; cattlegrid unhold {stop.id} lifts it{ignored}")
    return found


def lifted(case: Case, lift: Record) -> bool:
    if lift.problem or lift.fleet != case.manifest.fleet:
        return False
    return case.rules.approval != "signature" or bool(signed_by(case, lift).principal)


def soak(rules: Rules, staging: Mapping[str, Live], going: Iterable[str], now: datetime) -> tuple[Check, ...]:
    """The workers that would go on have been live in staging for long enough."""
    if not rules.soak:
        return ()
    since = [one.deployment.created_on for name in going if (one := staging[name]).deployment is not None]
    if not since:
        return (Check("soak", Outcome.NOT_MEASURED, "nothing in staging has to go on"),)
    stood = (now - max(since)).total_seconds()
    if stood < -_CLOCKS_DIFFER.total_seconds():
        detail = f"this machine's clock is {-stood:.0f} s behind Cloudflare's: how long it stood cannot be told"
        return (Check("soak", Outcome.NOT_MEASURED, detail),)
    ready = max(since) + timedelta(seconds=rules.soak)
    detail = f"live in staging for {max(0.0, stood):.0f} s of {rules.soak:g} s"
    if stood < rules.soak:
        return (Check("soak", Outcome.FAIL, f"{detail}; enough at {ready:%H:%M:%S} UTC"),)
    return (Check("soak", Outcome.PASS, detail),)
