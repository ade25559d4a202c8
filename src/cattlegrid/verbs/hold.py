"""`reject`, `hold` and `unhold`: anybody may stop a promotion; a person lets it go on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.cloudflare import deployments
from cattlegrid.errors import Refused, UsageError
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.release.gate import people, records, signing
from cattlegrid.release.gate.records import Kind, Record, Said
from cattlegrid.release.live import Live
from cattlegrid.release.promotion import marks
from cattlegrid.release.promotion.marks import Mark
from cattlegrid.settings import load
from cattlegrid.verbs.approve import configured_key, who
from cattlegrid.verbs.candidate import live
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import locked, opened

_RELEASE = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Stopped:
    """What was written. `shared` is the remote that has it; empty when it is in this clone only."""

    record: Record
    signed: bool
    shared: str


@dataclass(frozen=True)
class Lifted:
    """`workers` are those whose roll back no longer holds production, `stopped` the record that lifts another."""

    name: str
    workers: tuple[str, ...] = ()
    stopped: Stopped | None = None


def reject(edge: Edge, release: str, reason: str, key: Path | None = None) -> Stopped:
    """No promotion of this release any more. Raises UsageError when that is no release's name."""
    if not _RELEASE.fullmatch(release):
        raise UsageError(f"{release!r} is not the name of a release", next="cattlegrid promote --dry-run")
    return _say(edge, load(edge.cwd), Kind.REJECT, release, reason, key)


def hold(edge: Edge, reason: str, key: Path | None = None) -> Stopped:
    """No promotion at all, of whatever release."""
    return _say(edge, load(edge.cwd), Kind.HOLD, "production", reason, key)


def unhold(edge: Edge, name: str, reason: str, key: Path | None = None, *, programs: tuple[str, ...]) -> Lifted:
    """Lift a hold or a rejection by its id, or a roll back's hold by the release that it went back to.

    Raises Refused to an agent, and when nothing of that name stops anything.
    """
    people.refuse_agent("unhold", programs, edge.environ)
    fleet = load(edge.cwd)
    repository = git.find(fleet.root, edge.environ)
    known = records.read(repository)
    if any(one.id == name for kind in (Kind.HOLD, Kind.REJECT) for one in known.of(kind)):
        return Lifted(name, stopped=_say(edge, fleet, Kind.LIFT, name, reason, key))
    with (
        opened(edge, fleet, Environment.PRODUCTION) as (production, _, _),
        locked(edge, repository, Environment.PRODUCTION, "unhold"),
    ):
        held = {worker: (one, mark) for worker, one in live(production).items() if (mark := _held(one, name))}
        for one, mark in held.values():
            proven = Mark("verified", mark.release, mark.last)
            deployments.create(production.client, one.script, ((one.version_id, 100.0),), proven.message)
    if not held:
        raise Refused(f"nothing of the name {name} holds production", next="cattlegrid promote --dry-run")
    return Lifted(name, tuple(held))


def _held(one: Live, release: str) -> Mark | None:
    mark = marks.read(one.deployment.message) if one.deployment is not None else None
    return mark if mark is not None and mark.stage == "held" and mark.release == release else None


def _say(edge: Edge, fleet: Fleet, kind: Kind, name: str, reason: str, key: Path | None) -> Stopped:
    """Signed when there is a key to sign with."""
    repository = git.find(fleet.root, edge.environ)
    said = Said(kind, name, fleet.name, who(repository, edge.environ), edge.clock.now(), reason=reason)
    chosen = key or _key(repository)
    signature = signing.sign(said.document, chosen, edge.environ) if chosen is not None else b""
    record = records.write(repository, said, signature)
    return Stopped(record, bool(signature), records.share(repository, record))


def _key(repository: Repository) -> Path | None:
    try:
        return configured_key(repository)
    except UsageError:
        return None
