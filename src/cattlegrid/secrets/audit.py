"""What digests prove: isolated values differ, shared ones are equal, and the Workers have what the stores hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Kind, SecretPolicy
from cattlegrid.secrets.digest import NOTHING, Manifest
from cattlegrid.secrets.store import Stored

NEVER_DEPLOYED: Final = "it was never deployed"


@dataclass(frozen=True)
class Deployed:
    """One worker as it is live: what it needs, the second slots that it may have, its names on Cloudflare.

    `doubt` says why the manifest cannot be believed; `absent` that it was never deployed.
    """

    worker: str
    needs: tuple[str, ...]
    slots: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    manifest: Manifest = NOTHING
    doubt: str = ""
    absent: bool = False


@dataclass(frozen=True)
class Side:
    """One environment: its store, the digests of what is in it, its workers, or why they cannot be seen."""

    environment: Environment
    stored: Stored
    digests: Manifest
    workers: tuple[Deployed, ...] = ()
    unseen: str = ""


def across(policy: SecretPolicy, sides: tuple[Side, Side]) -> Iterator[Check]:
    """One check for each isolated and each shared name."""
    one, two = sides
    for name, kind in policy.kinds().items():
        if kind not in {Kind.ISOLATED, Kind.SHARED}:
            continue
        must = "differs between" if kind is Kind.ISOLATED else "is equal in"
        title = f"{name} {must} {one.environment} and {two.environment}"
        equal, how = _equal(name, one, two)
        if equal is None:
            yield Check(title, Outcome.NOT_MEASURED, how)
            continue
        good = equal is (kind is Kind.SHARED)
        yield Check(title, Outcome.PASS if good else Outcome.FAIL, how)


def deployed(side: Side) -> Iterator[Check]:
    """What each worker has against what its store holds: one check a name, and one for what nobody declared."""
    if side.unseen:
        yield Check(f"secrets on the workers of {side.environment}", Outcome.NOT_MEASURED, side.unseen)
    for worker in side.workers:
        if worker.absent:
            yield _check(side, worker, "secrets", Outcome.NOT_MEASURED, NEVER_DEPLOYED)
            continue
        for name in worker.needs:
            yield _check(side, worker, name, *_state(side, worker, name))
        unknown = sorted(worker.names - {*worker.needs, *worker.slots})
        if unknown:
            said = f"on Cloudflare and in no list: {', '.join(unknown)}"
            yield _check(side, worker, "nothing unknown", Outcome.FAIL, said)
        else:
            yield _check(side, worker, "nothing unknown", Outcome.PASS, f"{len(worker.names)} names")


def _state(side: Side, worker: Deployed, name: str) -> tuple[Outcome, str]:
    if name not in worker.names:
        return Outcome.FAIL, f"is missing on Cloudflare; next: cattlegrid secrets push --env {side.environment}"
    if worker.doubt:
        return Outcome.NOT_MEASURED, worker.doubt
    there, here = worker.manifest.digests.get(name), side.digests.digests.get(name)
    if here is None:
        why = side.stored.closed or f"{side.stored.place} has no value or no audit key for it"
        return Outcome.NOT_MEASURED, why
    if there is None:
        return Outcome.NOT_MEASURED, "its manifest does not name it; next: cattlegrid secrets push"
    if worker.manifest.key != side.digests.key:
        return Outcome.NOT_MEASURED, "its manifest was made with another store's keys"
    if there != here:
        return Outcome.FAIL, f"is stale: {side.stored.place} has another value; next: cattlegrid secrets push"
    return Outcome.PASS, f"is the one in {side.stored.place}"


def _equal(name: str, one: Side, two: Side) -> tuple[bool | None, str]:
    """Whether the two values are the same, and how that is known; None when it cannot be known."""
    values = one.stored.values.get(name), two.stored.values.get(name)
    if values[0] is not None and values[1] is not None:
        return values[0] == values[1], f"in {one.stored.place} and {two.stored.place}"
    first, second = _known(name, one), _known(name, two)
    if first is None or second is None:
        side = one if first is None else two
        return None, side.stored.closed or f"{side.stored.place} has no {name}"
    if not first[1] or first[1] != second[1]:
        return None, "the digests were made with different audit keys"
    return first[0] == second[0], f"by digests: {first[2]}, {second[2]}"


def _known(name: str, side: Side) -> tuple[str, str, str] | None:
    """The digest of the environment's value, its audit key, and where it stands: in the store, else on a worker."""
    if name in side.digests.digests:
        return side.digests.digests[name], side.digests.audit, side.stored.place
    for worker in side.workers:
        if name in worker.manifest.digests and not worker.doubt:
            where = f"{worker.worker} of {side.environment}"
            return worker.manifest.digests[name], worker.manifest.audit, where
    return None


def _check(side: Side, worker: Deployed, name: str, outcome: Outcome, detail: str) -> Check:
    return Check(f"{name} on {side.environment}", outcome, detail, worker.worker)
