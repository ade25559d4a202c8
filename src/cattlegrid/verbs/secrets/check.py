"""`secrets check`: config, code, stores and Workers against the one list of names."""

from __future__ import annotations

from dataclasses import dataclass

from cattlegrid.cloudflare import secrets as cloudflare_secrets
from cattlegrid.errors import ApiError
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.release.audit import Way
from cattlegrid.release.parallel import each
from cattlegrid.release.target import deployables
from cattlegrid.secrets import check, uses
from cattlegrid.secrets.check import Kept
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.audit import read_each, ways


@dataclass(frozen=True)
class CheckReport:
    checks: tuple[Check, ...]
    names: int
    workers: int

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(one.outcome for one in self.checks)


def check_secrets(edge: Edge, *, offline: bool = False) -> CheckReport:
    """The fleet's secrets and those of every venture.

    `offline` leaves Cloudflare out, and says nothing of the Workers. Raises ConfigError, StoreError.
    """
    fleet = load(edge.cwd)
    workers = {environment: deployables(fleet, environment) for environment in Environment}
    stores = [Kept(scope.secrets, tuple(read_each(edge, scope).values())) for scope in fleet.scopes]
    now = edge.clock.now()
    found = [*check.names(fleet, workers)]
    for kept in stores:
        found += (one for stored in kept.stores for one in check.store(kept.policy, stored, now))
    found += check.same(tuple(stores))
    if not offline:
        with ways(edge, fleet) as (open_ways, _):
            for environment, way in open_ways.items():
                found += _on_cloudflare(fleet, environment, way)
    return CheckReport(tuple(found), sum(len(kept.policy.kinds()) for kept in stores), len(fleet.workers))


def _on_cloudflare(fleet: Fleet, environment: Environment, way: Way) -> list[Check]:
    if way.place is None:
        return [Check(f"names on the workers of {environment}", Outcome.NOT_MEASURED, way.why_not)]
    place = way.place

    def one(name: str) -> Check:
        deployable = place.target.workers[name]
        title = f"its names on Cloudflare in {environment}"
        try:
            there = cloudflare_secrets.names(place.client, deployable.script)
        except ApiError as error:
            return Check(title, Outcome.NOT_MEASURED, error.what, name)
        needs = uses.needed(fleet, deployable, environment)
        missing = [need for need in needs if need not in there]
        unknown = sorted(there - {*needs, *uses.second_slots(fleet, needs)})
        said = [f"missing: {', '.join(missing)}"] if missing else []
        said += [f"unknown: {', '.join(unknown)}"] if unknown else []
        return Check(title, Outcome.FAIL if said else Outcome.PASS, "; ".join(said) or f"{len(there)} names", name)

    return each(one, list(place.target.workers))
