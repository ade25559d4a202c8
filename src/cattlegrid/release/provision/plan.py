"""What provisioning is going to do, decided from what the account has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cattlegrid.cloudflare import resources
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.resources import Kind, Resource, Traits
from cattlegrid.database import state
from cattlegrid.database.state import DatabaseState
from cattlegrid.errors import ApiError, Refused
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database
from cattlegrid.release.provision.orphans import Orphan
from cattlegrid.release.provision.wanted import Wanted

FREE_DATABASES: Final = 10
PAID_DATABASES: Final = 50_000


class Action(StrEnum):
    """CREATE: there is none. FOUND: one of this name is there, and no id in the file. PRESENT: nothing to make."""

    CREATE = "create"
    FOUND = "found"
    PRESENT = "present"


@dataclass(frozen=True)
class Step:
    """One resource. `mark`: its environment marker is to be written. `note` is for a person."""

    wanted: Wanted
    action: Action
    resource: Resource | None = None
    traits: Traits = field(default_factory=Traits)
    mark: bool = False
    note: str = ""

    @property
    def needed(self) -> bool:
        return self.action is not Action.PRESENT or self.mark


@dataclass(frozen=True)
class ProvisionPlan:
    """`databases` is how many D1 databases the account has now; `by_hand` what cattlegrid does not create.

    `orphans` are named as this fleet's resources are, and no file of either environment holds them. They stay.
    """

    environment: Environment
    steps: tuple[Step, ...]
    databases: int
    by_hand: tuple[str, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not any(step.needed for step in self.steps)

    @property
    def limits(self) -> str:
        """What the account's plan allows, beside what it will have; empty without a database."""
        if not any(step.wanted.kind is Kind.D1 for step in self.steps):
            return ""
        new = sum(step.action is Action.CREATE and step.wanted.kind is Kind.D1 for step in self.steps)
        return (
            f"D1 databases in the account: {self.databases}, and {new} new; the free plan allows {FREE_DATABASES},"
            f" the paid one {PAID_DATABASES:,}"
        )


@dataclass(frozen=True)
class Account:
    """What one account has: by kind and jurisdiction, by name."""

    client: Client
    found: Mapping[tuple[Kind, str], Mapping[str, Resource]]

    def named(self, wanted: Wanted) -> Resource | None:
        return self._all(wanted).get(wanted.name)

    def of_id(self, wanted: Wanted, id: str) -> Resource | None:
        return next((one for one in self._all(wanted).values() if one.id == id), None)

    @property
    def everything(self) -> Iterator[Resource]:
        for named in self.found.values():
            yield from named.values()

    def _all(self, wanted: Wanted) -> Mapping[str, Resource]:
        return self.found.get((wanted.kind, _jurisdiction(wanted)), {})


def look(client: Client, wanted: Iterable[Wanted]) -> Account:
    """List what the account has of each kind that is asked for."""
    kinds = dict.fromkeys((one.kind, _jurisdiction(one)) for one in wanted)
    return Account(client, {key: resources.all_of(client, *key) for key in kinds})


def plan(
    environment: Environment,
    wanted: Iterable[Wanted],
    account: Account,
    others: frozenset[tuple[Kind, str]],
    twins: Account | None,
    *,
    mark: bool = False,
) -> ProvisionPlan:
    """`others` are the ids and names that the other environment's files hold; `twins` its account, to copy from.

    Raises Refused with everything that must not be touched, or cannot be found. `mark`: databases with tables and
    without a marker belong to this environment, a person says so.
    """
    problems: list[Refused] = []
    steps = []
    for one in wanted:
        try:
            steps.append(_step(environment, one, account, others, twins, mark=mark))
        except Refused as error:
            problems.append(error)
    if problems:
        what = "nothing was created\n  " + "\n  ".join(str(problem) for problem in problems)
        raise Refused(what, next=problems[0].next)
    return ProvisionPlan(environment, tuple(steps), len(account.found.get((Kind.D1, ""), {})))


def _step(
    environment: Environment,
    one: Wanted,
    account: Account,
    others: frozenset[tuple[Kind, str]],
    twins: Account | None,
    *,
    mark: bool,
) -> Step:
    where = f"{one.uses[0].file}, binding {one.uses[0].binding}"
    found = account.of_id(one, one.id) if one.id else account.named(one)
    if found is None and one.id and one.kind in (Kind.D1, Kind.KV):
        raise Refused(
            f"the account has no {one.kind} {one.id}: it was deleted, or it is another account's",
            where=where,
            next=f"restore it, or remove the id from {one.uses[0].file}: then a new, empty one is made",
        )
    resource_id = found.id if found is not None else one.id or one.name
    if (one.kind, resource_id) in others:
        raise Refused(
            f"{one.kind} {one.name} is the other environment's too", where=where, next="give it a name of its own"
        )
    if found is None:
        traits, note = _twin(one, twins)
        return Step(one, Action.CREATE, None, traits, mark=one.kind is Kind.D1, note=note)
    action = Action.FOUND if any(use.place for use in one.uses) and not one.id else Action.PRESENT
    needs_mark = one.database is not None and _needs_mark(environment, one.database, found, account, mark=mark)
    note = f"its name in the account is {found.name}" if found.name != one.name and one.kind is Kind.D1 else ""
    return Step(one, action, found, mark=needs_mark, note=note)


def _needs_mark(environment: Environment, database: Database, found: Resource, account: Account, *, mark: bool) -> bool:
    """Raises Refused for a database that says it is another's, or that does not say whose it is and holds tables."""
    seen: DatabaseState = state.read(account.client, at(database, found))
    if seen.marker == environment.value:
        return False
    where = f"database {found.name}"
    if seen.marker is not None:
        raise Refused(
            f"belongs to {seen.marker}: its marker says so", where=where, next="correct the id in the wrangler file"
        )
    if not seen.empty and not mark and environment is Environment.STAGING:
        raise Refused(
            f"has {len(seen.tables)} tables and no environment marker: whose it is cannot be told",
            where=where,
            next="when all its data is staging's: cattlegrid provision --mark",
        )
    return True


def at(database: Database, found: Resource) -> Database:
    """The database under the id that the account has for it."""
    return Database(
        database.binding, found.id, database.name or found.name, database.migrations, database.table, database.pattern
    )


def _twin(one: Wanted, twins: Account | None) -> tuple[Traits, str]:
    """Location and settings to be copied."""
    own = Traits(jurisdiction=one.jurisdiction)
    if twins is None or not one.twin:
        return own, ""
    twin = twins.of_id(one, one.twin)
    if twin is None:
        return own, ""
    try:
        found = resources.traits(twins.client, twin, one.jurisdiction)
    except ApiError as error:
        return own, f"its twin {twin.name} could not be read, so Cloudflare chooses where it lies: {error.what}"
    said = ", ".join(filter(None, (found.location, found.jurisdiction, *map(str, found.settings))))
    return found, f"as {twin.name}: {said}" if said else ""


def _jurisdiction(one: Wanted) -> str:
    return one.jurisdiction if one.kind is Kind.R2 else ""
