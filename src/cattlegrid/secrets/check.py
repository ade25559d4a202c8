"""The one list of names against code, config and stores: every gap by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable
from cattlegrid.secrets import form, uses
from cattlegrid.secrets.store import Stored

Workers = Mapping[Environment, Mapping[str, Deployable]]


def names(fleet: Fleet, workers: Workers) -> Iterator[Check]:
    """What code and config use against what is declared."""
    used: set[str] = set()
    for environment, deployables in workers.items():
        for name, deployable in deployables.items():
            used |= {fleet.secrets.canonical(one) for one in uses.needed(fleet, deployable, environment)}
            if environment is Environment.STAGING:
                yield _declared(fleet, name, deployable)
    for name in fleet.secrets.kinds():
        by = fleet.secrets.of(name).used_by
        if name in used or by:
            yield Check(f"{name} is used", Outcome.PASS, f"by {', '.join(by)}" if by else "")
        else:
            said = f"neither code nor config names it; remove it, or say who: secrets.about.{name}.used-by"
            yield Check(f"{name} is used", Outcome.FAIL, said)


def _declared(fleet: Fleet, name: str, deployable: Deployable) -> Check:
    unknown = uses.undeclared(fleet, deployable)
    if unknown:
        said = f"used and in no list of [secrets]: {', '.join(unknown)}"
        return Check("every name that it uses is declared", Outcome.FAIL, said, name)
    return Check("every name that it uses is declared", Outcome.PASS, "", name)


def store(fleet: Fleet, stored: Stored, now: datetime) -> Iterator[Check]:
    """What an environment's store holds against what it should: presence, form, age, and nothing else."""
    environment = stored.environment
    for name in fleet.secrets.names(environment):
        title = f"{name} in {environment}"
        if name not in stored.names and name not in stored.values:
            yield Check(title, Outcome.FAIL, f"is missing in {stored.place}; next: {_how(stored, name)}")
        elif stored.closed:
            yield Check(title, Outcome.NOT_MEASURED, f"is there; its form was not looked at: {stored.closed}")
        else:
            yield _value(fleet, stored, name, title, now)
    if stored.extra:
        said = f"in {stored.place} and in no list of {environment}: {', '.join(stored.extra)}"
        yield Check(f"nothing unknown in {environment}", Outcome.FAIL, said)


def same(fleet: Fleet, stores: tuple[Stored, ...]) -> Iterator[Check]:
    """No isolated secret's value stands under any other name, in either environment."""
    owner: dict[Secret, list[tuple[str, Environment]]] = {}
    for stored in stores:
        for name in fleet.secrets.names(stored.environment):
            if stored.values.get(name):
                owner.setdefault(stored.values[name], []).append((name, stored.environment))
    kinds = fleet.secrets.kinds()
    for name in fleet.secrets.isolated:
        twins = [found for found in owner.values() if any(one == name for one, _ in found) and len(found) > 1]
        places = sorted({f"{one} of {env}" for found in twins for one, env in found})
        title = f"no other name has the value of {name}"
        if any(stored.closed for stored in stores):
            yield Check(title, Outcome.NOT_MEASURED, next(stored.closed for stored in stores if stored.closed))
        elif places:
            yield Check(title, Outcome.FAIL, f"one value under {', '.join(places)}")
        else:
            yield Check(title, Outcome.PASS, kinds[name])
    for name in fleet.secrets.shared:
        values = [stored.values.get(name) for stored in stores]
        if None not in values and len(set(values)) > 1:
            said = f"it differs; next: cattlegrid secrets set {name} --both"
            yield Check(f"{name} is the same in both", Outcome.FAIL, said)


def _value(fleet: Fleet, stored: Stored, name: str, title: str, now: datetime) -> Check:
    found = form.problems(fleet.secrets, name, stored.values[name])
    if found:
        return Check(title, Outcome.FAIL, f"its value {'; it '.join(found)}")
    oldest, since = fleet.secrets.of(name).max_age, stored.since.get(name)
    if oldest and since is None:
        return Check(title, Outcome.NOT_MEASURED, f"{stored.place} does not know how old it is")
    if oldest and since is not None and now - since > timedelta(seconds=oldest):
        days = (now - since).days
        said = f"it is {days} days old; next: cattlegrid secrets rotate {name} --env {stored.environment}"
        return Check(title, Outcome.FAIL, said)
    return Check(title, Outcome.PASS)


def _how(stored: Stored, name: str) -> str:
    return stored.how_to_add(name) if not stored.closed else f"cattlegrid secrets set {name}"
