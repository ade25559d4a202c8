"""The one list of names against code, config and stores: every gap by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet, Kind, SecretPolicy
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable
from cattlegrid.secrets import form, uses
from cattlegrid.secrets.store import Stored

Workers = Mapping[Environment, Mapping[str, Deployable]]


def names(fleet: Fleet, workers: Workers) -> Iterator[Check]:
    """What code and config use against what is declared."""
    used = {fleet.secrets.canonical(fleet.mirror.key)}
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


@dataclass(frozen=True)
class Kept:
    """The names of the fleet or of one venture, and the stores that hold their values."""

    policy: SecretPolicy
    stores: tuple[Stored, ...]


def store(policy: SecretPolicy, stored: Stored, now: datetime) -> Iterator[Check]:
    """What an environment's store holds against what it should: presence, form, age, and nothing else."""
    environment = stored.environment
    for name in policy.names(environment):
        title = f"{_whose(policy, name)} in {environment}"
        if name not in stored.names and name not in stored.values:
            yield Check(title, Outcome.FAIL, f"is missing in {stored.place}; next: {_how(policy, stored, name)}")
        elif stored.closed:
            yield Check(title, Outcome.NOT_MEASURED, f"is there; its form was not looked at: {stored.closed}")
        else:
            yield _value(policy, stored, name, title, now)
    if stored.extra:
        said = f"in {stored.place} and in no list of {environment}: {', '.join(stored.extra)}"
        yield Check(f"nothing unknown in {environment}", Outcome.FAIL, said)


def same(everything: tuple[Kept, ...]) -> Iterator[Check]:
    """No isolated secret's value stands under any other name, of the fleet or of any venture, in any environment."""
    owner: dict[Secret, list[tuple[str, str]]] = {}
    for kept in everything:
        for stored in kept.stores:
            for name in kept.policy.names(stored.environment):
                if stored.values.get(name):
                    place = f"{_whose(kept.policy, name)} of {stored.environment}"
                    owner.setdefault(stored.values[name], []).append((_whose(kept.policy, name), place))
    twins = [found for found in owner.values() if len(found) > 1]
    closed = next((stored.closed for kept in everything for stored in kept.stores if stored.closed), "")
    for kept in everything:
        for name in kept.policy.isolated:
            title = f"no other name has the value of {_whose(kept.policy, name)}"
            with_it = [found for found in twins if any(whose == _whose(kept.policy, name) for whose, _ in found)]
            if with_it:
                places = ", ".join(sorted({place for found in with_it for _, place in found}))
                yield Check(title, Outcome.FAIL, f"one value under {places}")
            elif closed:
                yield Check(title, Outcome.NOT_MEASURED, closed)
            else:
                yield Check(title, Outcome.PASS, Kind.ISOLATED)
        yield from _unequal(kept)


def _unequal(kept: Kept) -> Iterator[Check]:
    for name in kept.policy.shared:
        values = [stored.values.get(name) for stored in kept.stores]
        if None not in values and len(set(values)) > 1:
            said = f"it differs; next: cattlegrid secrets set {name} --both{kept.policy.option}"
            yield Check(f"{_whose(kept.policy, name)} is the same in both", Outcome.FAIL, said)


def _value(policy: SecretPolicy, stored: Stored, name: str, title: str, now: datetime) -> Check:
    found = form.problems(policy, name, stored.values[name])
    if found:
        return Check(title, Outcome.FAIL, f"its value {'; it '.join(found)}")
    oldest, since = policy.of(name).max_age, stored.since.get(name)
    if oldest and since is None:
        return Check(title, Outcome.NOT_MEASURED, f"{stored.place} does not know how old it is")
    if oldest and since is not None and now - since > timedelta(seconds=oldest):
        days = (now - since).days
        do = "set" if policy.venture else "rotate"
        how = f"cattlegrid secrets {do} {name} --env {stored.environment}{policy.option}"
        said = f"it is {days} days old; next: {how}"
        return Check(title, Outcome.FAIL, said)
    return Check(title, Outcome.PASS)


def _how(policy: SecretPolicy, stored: Stored, name: str) -> str:
    by_hand = f"cattlegrid secrets set {name} --env {stored.environment}{policy.option}"
    return by_hand if stored.closed else stored.how_to_add(name)


def _whose(policy: SecretPolicy, name: str) -> str:
    return f"{name} of venture {policy.venture}" if policy.venture else name
