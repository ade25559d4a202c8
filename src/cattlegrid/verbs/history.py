"""`history`: who deployed what of a worker, and when, as Cloudflare has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cattlegrid.cloudflare import deployments, versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.environment import Environment
from cattlegrid.model.version import Deployment, Version
from cattlegrid.release.gate import records
from cattlegrid.release.gate.records import Kind
from cattlegrid.release.gate.signing import fingerprint
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion import marks
from cattlegrid.release.target import resolve
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge

_CHECKS: Final = {
    "ahead": "the gate",
    "live": "the gate, smoke at 0 %",
    "verified": "the gate, smoke in production",
    "returned": "not all of the promotion's",
}


@dataclass(frozen=True)
class Entry:
    """One deployment of one worker. `stage` and `release` when a promotion made it; `what` in a person's words.

    `checks` says what had passed by then, `approval` who approved that release, by the records in git (their signatures
    are the gate's to judge).
    """

    worker: str
    at: datetime
    who: str
    version: str
    percentage: float
    commit: str
    dirty: bool
    code: str
    stage: str
    release: str
    what: str
    checks: str = ""
    approval: str = ""


@dataclass(frozen=True)
class History:
    """Newest first."""

    environment: Environment
    entries: tuple[Entry, ...]


def history(
    edge: Edge, environment: Environment = Environment.STAGING, names: tuple[str, ...] = (), *, at_most: int = 50
) -> History:
    """Deployments of the named workers, or of all. Raises UnknownWorker, ConfigError, MissingCredential, ApiError."""
    fleet = load(edge.cwd)
    chosen = [worker.name for worker in fleet.named(names)]
    target = resolve(fleet, environment, edge.environ)
    with Client(target.account, clock=edge.clock) as client:
        found = each(lambda name: _of_worker(client, name, target.workers[name].script), chosen)
    entries = sorted((entry for one in found for entry in one), key=lambda entry: entry.at, reverse=True)
    shown = entries[:at_most]
    if any(entry.release for entry in shown):
        approvals = _approvals(git.find(fleet.root, edge.environ))
        shown = [replace(entry, approval=approvals.get(entry.release, "")) for entry in shown]
    return History(environment, tuple(shown))


def _approvals(repository: Repository) -> dict[str, str]:
    """By release: who approved it, with which key, in which record."""
    found: dict[str, list[str]] = {}
    for one in records.read(repository).of(Kind.APPROVE):
        found.setdefault(one.name, []).append(f"{one.by} ({fingerprint(one.signature)}, {one.id})")
    return {release: ", ".join(sorted(names)) for release, names in found.items()}


def _of_worker(client: Client, name: str, script: str) -> list[Entry]:
    deployed = deployments.read(client, script)
    known = {version.id: version for version in versions.newest(client, script)} if deployed else {}
    return [_entry(name, deployment, known) for deployment in deployed if deployment.traffic]


def _entry(name: str, deployment: Deployment, known: dict[str, Version]) -> Entry:
    version_id, percentage = max(deployment.traffic, key=lambda share: share[1])
    mark = marks.read(deployment.message)
    if mark is not None and mark.stage == "ahead":
        version_id, percentage = min(deployment.traffic, key=lambda share: share[1])
    version = known.get(version_id)
    stamp = version.stamp if version is not None else None
    return Entry(
        worker=name,
        at=deployment.created_on,
        who=deployment.author,
        version=version_id,
        percentage=percentage,
        commit=stamp.commit if stamp is not None else "",
        dirty=stamp is not None and stamp.dirty,
        code=stamp.digests.code if stamp is not None else "",
        stage=mark.stage if mark is not None else "",
        release=mark.release if mark is not None else "",
        what=_what(mark, version),
        checks=_checks(mark) if mark is not None else "",
    )


def _checks(mark: marks.Mark) -> str:
    if mark.checks is None:
        return _CHECKS.get(mark.stage, "")
    gate, smoke = mark.checks
    return f"the gate ({gate} conditions), smoke in production ({smoke} checks)"


def _what(mark: marks.Mark | None, version: Version | None) -> str:
    if mark is not None:
        return {
            "ahead": "promotion: uploaded at 0 %",
            "live": "promotion: switched",
            "verified": "promotion: verified in production",
            "returned": "promotion: switched back",
            "held": "rolled back, and held",
        }[mark.stage]
    if version is None:
        return "a version older than the newest hundred"
    if version.triggered_by == "secret":
        return "a secret was changed"
    return "deploy" if version.stamp is not None else f"deployed outside cattlegrid ({version.source or 'unknown'})"
