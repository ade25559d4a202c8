"""The audit of an environment's secrets: by digest in the stores and on the Workers, and live on their own routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import httpx2

from cattlegrid.cloudflare import secrets as cloudflare_secrets
from cattlegrid.errors import ApiError
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.release import live, subjects
from cattlegrid.release.examine import Place
from cattlegrid.release.live import Live
from cattlegrid.release.parallel import each
from cattlegrid.release.smoke import keys
from cattlegrid.release.smoke.subject import Subject
from cattlegrid.secrets import audit, digest, uses
from cattlegrid.secrets.audit import Deployed, Side
from cattlegrid.secrets.store import Stored

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION


@dataclass(frozen=True)
class AuditReport:
    """`names`, `workers` and `requests` count what was really examined."""

    checks: tuple[Check, ...]
    names: int
    workers: int
    requests: int

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(check.outcome for check in self.checks)

    @property
    def examined(self) -> str:
        return f"{self.names} names, {self.workers} workers, {self.requests} live checks"


@dataclass(frozen=True)
class Way:
    """An environment for the audit: the way to it, or why there is none."""

    place: Place | None
    why_not: str = ""


def run(
    fleet: Fleet,
    ways: Mapping[Environment, Way],
    stores: Mapping[Environment, Stored],
    http: httpx2.Client,
    ventures: tuple[tuple[Fleet, Mapping[Environment, Stored]], ...] = (),
    *,
    live_checks: bool = True,
) -> AuditReport:
    """Everything that can be proven from here; what cannot be is there as *not measured*.

    `ventures` are the fleet as each venture sees it, and its stores: no Worker has their secrets.
    """
    seen = {
        environment: _side(fleet, environment, ways[environment], stores[environment]) for environment in Environment
    }
    sides = seen[STAGING][0], seen[PRODUCTION][0]
    compared = list(audit.across(fleet.secrets, sides))
    theirs = [check for scope, kept in ventures for check in _of_venture(scope, kept)]
    checks = [*compared, *theirs, *(check for side in sides for check in audit.deployed(side))]
    asked: list[Check] = []
    if live_checks:
        asked = list(_live(fleet, http, {one: found for one, (_, found) in seen.items()}, sides, compared))
    return AuditReport(
        checks=(*checks, *asked),
        names=sum(check.outcome is not Outcome.NOT_MEASURED for check in (*compared, *theirs)),
        workers=sum(not worker.absent for side in sides for worker in side.workers),
        requests=sum(check.outcome is not Outcome.NOT_MEASURED for check in asked),
    )


def _of_venture(fleet: Fleet, stores: Mapping[Environment, Stored]) -> Iterator[Check]:
    """A venture with one environment has nothing to compare across them."""
    if set(stores) == set(Environment):
        sides = [Side(one, stores[one], digest.of(fleet.secrets, stores[one])) for one in Environment]
        for check in audit.across(fleet.secrets, (sides[0], sides[1])):
            yield replace(check, name=f"venture {fleet.secrets.venture}: {check.name}")


def _side(fleet: Fleet, environment: Environment, way: Way, stored: Stored) -> tuple[Side, tuple[Subject, ...]]:
    digests = digest.of(fleet.secrets, stored)
    if way.place is None:
        return Side(environment, stored, digests, unseen=way.why_not), ()
    place = way.place
    try:
        state = live.read_live(place.client, place.target, place.target.workers)
        names = list(place.target.workers)
        workers = each(lambda name: _deployed(fleet, place, name, state[name], environment), names)
        found, _ = subjects.of(place.client, place.target, state)
    except ApiError as error:
        return Side(environment, stored, digests, unseen=f"{environment} cannot be read: {error.what}"), ()
    return Side(environment, stored, digests, tuple(workers)), found


def _deployed(fleet: Fleet, place: Place, name: str, state: Live, environment: Environment) -> Deployed:
    deployable = place.target.workers[name]
    needs = uses.needed(fleet, deployable, environment)
    slots = uses.second_slots(fleet, needs)
    if state.version is None:
        return Deployed(name, needs, slots, absent=True)
    there = cloudflare_secrets.names(place.client, deployable.script)
    manifest = digest.read(state.version.bindings)
    return Deployed(name, needs, slots, there, manifest, _doubt(state, manifest))


def _doubt(state: Live, manifest: digest.Manifest) -> str:
    """Why the manifest may not tell what is there: none, or somebody set a secret by hand after it was written."""
    if not manifest.digests:
        return "it has no manifest of its secrets; next: cattlegrid secrets push"
    version = state.version
    by_hand = version is not None and version.triggered_by == "secret"
    if by_hand and version is not None and not version.message.startswith(cloudflare_secrets.MESSAGE):
        return f"a secret was set by hand after its manifest was written (by {version.author or 'somebody'})"
    return ""


def _live(
    fleet: Fleet,
    http: httpx2.Client,
    found: Mapping[Environment, tuple[Subject, ...]],
    sides: tuple[Side, Side],
    compared: list[Check],
) -> Iterator[Check]:
    """Each environment's own key opens it, a made-up one does not, and production refuses staging's.

    Production's key is never sent to staging; that staging refuses it is concluded, and the check says from what.
    """
    for side in sides:
        subjects_by_name = {subject.worker: subject for subject in found[side.environment]}
        for worker in fleet.workers:
            if worker.auth is None or worker.probe is None:
                continue
            subject = subjects_by_name.get(worker.name)
            if subject is None:
                why = side.unseen or audit.NEVER_DEPLOYED
                yield Check(f"keys are examined in {side.environment}", Outcome.NOT_MEASURED, why, worker.name)
                continue
            own = keys.accepts_its_own_key(http, subject, side.stored)
            made_up = keys.refuses_a_made_up_key(http, subject)
            yield from (*own, *made_up)
            if side.environment is PRODUCTION:
                yield from keys.refuses_the_staging_key(http, subject, sides[0].stored)
            else:
                yield keys.concluded(subject, (*own, *made_up), _difference(worker.auth.secret, fleet, compared))


def _difference(name: str, fleet: Fleet, compared: list[Check]) -> Check:
    canonical = fleet.secrets.canonical(name)
    return next(
        (check for check in compared if check.name.startswith(f"{canonical} differs")),
        Check(f"{canonical} differs", Outcome.NOT_MEASURED, f"{canonical} is not an isolated secret"),
    )


def condition(report: AuditReport) -> Check:
    """The audit as one condition of the gate: what did not pass, by name.

    A worker that was never deployed has no secrets yet: they come with the promotion that is being asked for.
    """
    looked = [check for check in report.checks if check.detail != audit.NEVER_DEPLOYED]
    bad = [check for check in looked if check.outcome is not Outcome.PASS]
    named = "; ".join(f"{check.worker} {check.name} ({check.outcome})".strip() for check in bad[:3])
    more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
    said = f"{named}{more}; cattlegrid secrets audit shows them" if bad else report.examined
    return Check("secrets", Outcome.of(check.outcome for check in looked), said)
