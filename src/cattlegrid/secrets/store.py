"""A store keeps an environment's values. Which one, `[secrets] store` says; all are used through `Store` alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from cattlegrid.errors import MissingCredential
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret

if TYPE_CHECKING:
    from cattlegrid.secrets.sops.store import SopsStore

RESERVED: Final = "CATTLEGRID_"
IDENTITY: Final[Mapping[str, tuple[str, ...]]] = {
    "sops": ("SOPS_AGE_KEY",),
    "infisical": ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"),
    "dotenv": (),
}
"""By kind of store the variables of a machine's identity, as a CI job has them."""

Changes = Mapping[str, Secret | None]


@dataclass(frozen=True)
class Contents:
    """All that a store holds. `closed` says why it cannot be opened here; `names` may be known all the same.

    `since` is when a value was last set, where the store knows it.
    """

    values: Mapping[str, Secret] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    since: Mapping[str, datetime] = field(default_factory=dict)
    closed: str = ""


class Store(Protocol):
    """One environment's values, somewhere. `place` names it for a person."""

    @property
    def place(self) -> str: ...

    def read(self) -> Contents:
        """Everything in it. Raises StoreError when it was tampered with or does not answer."""
        ...

    def change(self, changes: Changes, now: datetime) -> None:
        """Set these values, remove those that are None: all of it or nothing. Raises StoreError, MissingCredential."""
        ...

    def how_to_add(self, name: str) -> str:
        """What to type so that it holds `name`."""
        ...

    def readers(self) -> tuple[str, ...]:
        """Who can read what is written to it, in a person's words; empty where the store does not tell."""
        ...


@dataclass(frozen=True)
class Stored:
    """An environment's values as its store has them, under every name that the fleet declares for them.

    `own` are cattlegrid's own entries (their names without `CATTLEGRID_`), `extra` are names that nobody declared,
    `option` is what a command that is about these needs besides.
    """

    environment: Environment
    place: str
    values: Mapping[str, Secret] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    own: Mapping[str, Secret] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    since: Mapping[str, datetime] = field(default_factory=dict)
    closed: str = ""
    option: str = ""
    adding: Callable[[str], str] = field(default=lambda name: f"cattlegrid secrets set {name}", repr=False)

    def how_to_add(self, name: str) -> str:
        return f"{self.place} cannot be opened here: {self.closed}" if self.closed else self.adding(name)

    def expect_open(self) -> Stored:
        """This, or MissingCredential with the reason why it is closed."""
        if self.closed:
            who = f"cattlegrid secrets recipients list --env {self.environment}{self.option}"
            raise MissingCredential(self.closed, where=self.place, next=who)
        return self


def choose(
    fleet: Fleet, environment: Environment, environ: Mapping[str, str], ask: Callable[[str], str] | None = None
) -> Store:
    """The environment's store. `ask` gets a passphrase from a person, where one is there."""
    kind = fleet.secrets.store
    if kind == "dotenv":
        from cattlegrid.secrets.dotenv import DotenvStore  # noqa: PLC0415 - one store is used, and paid for

        return DotenvStore(fleet.root, environment, fleet.secrets.known(environment), fleet.secrets.folder)
    if kind == "infisical":
        from cattlegrid.secrets.infisical import InfisicalStore  # noqa: PLC0415 - as above

        where, venture = fleet.secrets.infisical, fleet.secrets.venture
        within = replace(where, path=f"{where.path.rstrip('/')}/{venture}") if venture else where
        return InfisicalStore(within, environment, environ)
    return sops(fleet, environment, environ, ask)


def sops(
    fleet: Fleet, environment: Environment, environ: Mapping[str, str], ask: Callable[[str], str] | None = None
) -> SopsStore:
    """The environment's encrypted file, also where another store is in use."""
    from cattlegrid.secrets.sops.age import Keyring  # noqa: PLC0415 - as above
    from cattlegrid.secrets.sops.store import SopsStore  # noqa: PLC0415 - as above

    return SopsStore(fleet.root, environment, Keyring(environ, ask), fleet.secrets.folder, fleet.secrets.option)


def read(
    fleet: Fleet, environment: Environment, environ: Mapping[str, str], ask: Callable[[str], str] | None = None
) -> Stored:
    """The environment's values. A store that cannot be opened here is `closed`; one that is broken raises.

    Raises Refused for an environment that a venture does not have.
    """
    return stored(fleet, environment, choose(fleet, environment, environ, ask))


def stored(fleet: Fleet, environment: Environment, store: Store) -> Stored:
    policy = fleet.secrets
    policy.expect(environment)
    contents = store.read()
    declared = policy.known(environment)
    values = {name: value for name, value in contents.values.items() if name in declared}
    for name in policy.names(environment):
        if name in values:
            values |= dict.fromkeys(policy.of(name).aliases, values[name])
    own = {name.removeprefix(RESERVED): value for name, value in contents.values.items() if name.startswith(RESERVED)}
    return Stored(
        environment=environment,
        place=store.place,
        values=values,
        names=frozenset(name for name in contents.names if name in declared),
        own=own,
        extra=tuple(sorted(n for n in contents.names if n not in declared and not n.startswith(RESERVED))),
        since=contents.since,
        closed=contents.closed,
        option=policy.option,
        adding=lambda name: f"{store.how_to_add(name)}{policy.option}",
    )
