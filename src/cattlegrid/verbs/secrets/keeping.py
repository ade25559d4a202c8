"""`secrets init`, `identity`, `recipients`, `merge`: the stores themselves, and who can open them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.errors import MissingCredential, Refused, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet, Kind, SecretPolicy
from cattlegrid.model.secret import Secret
from cattlegrid.secrets import digest, store
from cattlegrid.secrets.sops import age
from cattlegrid.secrets.sops.store import Recipient, SopsStore
from cattlegrid.secrets.store import RESERVED
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.scope import scoped


@dataclass(frozen=True)
class Made:
    """What `init` made: places of new stores, and who can open them. Empty when both were there already."""

    places: tuple[str, ...]
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True)
class Removed:
    """Who can no longer open the file, and by name what to type for each value that they have read all the same."""

    recipient: Recipient
    environment: Environment
    to_rotate: dict[str, str]


def init(
    edge: Edge, environments: tuple[Environment, ...], recipients: tuple[str, ...], name: str, *, venture: str = ""
) -> Made:
    """Make the stores that are not there yet, with their audit keys: the fleet's and every venture's, or one venture's.

    Both environments get the same audit key. Without `environments` all are meant, and without `recipients` the keys of
    this machine. Raises MissingCredential when it has none, or when a store that is there cannot be opened here.
    """
    fleet = scoped(edge, venture, *(environments if venture else ()))
    keys = tuple(age.recipient(one) for one in recipients) or age.own_recipients(edge.environ)
    if fleet.secrets.store == "sops" and not keys:
        raise MissingCredential(
            "this machine has neither an age key nor an SSH key to encrypt for",
            next="cattlegrid secrets identity --out ~/.config/sops/age/keys.txt",
        )
    named = tuple(Recipient(key, name) for key in keys)
    made: list[str] = []
    for scope in (fleet,) if venture else fleet.scopes:
        wanted = tuple(one for one in environments or Environment if one in scope.secrets.environments)
        made += _init(edge, scope, wanted, named)
    return Made(tuple(made), named if made and fleet.secrets.store == "sops" else ())


def _init(
    edge: Edge, fleet: Fleet, environments: tuple[Environment, ...], recipients: tuple[Recipient, ...]
) -> list[str]:
    audit = _audit_key(edge, fleet)
    if fleet.secrets.store != "sops":
        return _only_keys(edge, fleet, environments, audit)
    made = []
    for environment in environments:
        one = _sops(edge, fleet, environment)
        if not one.file.is_file():
            own = digest.new_keys(audit)
            audit = own[digest.AUDIT_KEY]
            one.create(recipients, own, edge.clock.now())
            made.append(one.place)
    return made


def identity(out: Path) -> str:
    """Write a new age key into the file, mode 0600, and return its public half. Raises Refused when it is there."""
    secret, public = age.generate()
    out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refused("is there already, and a key is never replaced", where=str(out)) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"# public key: {public}\n{secret.reveal()}\n")
    return public


def recipients(edge: Edge, environment: Environment, *, venture: str = "") -> tuple[Recipient, ...]:
    """Who can open the environment's file. Raises UsageError when its store has no recipients."""
    return _sops(edge, scoped(edge, venture, environment), environment).recipients()


def add_recipient(edge: Edge, environment: Environment, key: str, name: str, *, venture: str = "") -> Recipient:
    """Encrypt the environment's file for one more person or machine."""
    new = Recipient(age.recipient(key), _one_line(name))
    _sops(edge, scoped(edge, venture, environment), environment).add(new, edge.clock.now())
    return new


def remove_recipient(edge: Edge, environment: Environment, who: str, *, venture: str = "") -> Removed:
    """Encrypt the environment's file anew without them. What they have read they still know: it is listed."""
    fleet = scoped(edge, venture, environment)
    one = _sops(edge, fleet, environment)
    gone = one.remove(who, edge.clock.now())
    stored = store.stored(fleet, environment, one)
    read = (name for name in fleet.secrets.kinds() if name in stored.names)
    return Removed(gone, environment, {name: _renewal(fleet.secrets, name, environment) for name in sorted(read)})


def _renewal(policy: SecretPolicy, name: str, environment: Environment) -> str:
    """A value that comes from outside is set; one of a venture too, since no Worker has to accept two of it."""
    if policy.kinds()[name] is Kind.SHARED and len(policy.environments) > 1:
        return f"cattlegrid secrets set {name} --both{policy.option}"
    do = "set" if policy.venture or policy.kinds()[name] is Kind.SHARED else "rotate"
    return f"cattlegrid secrets {do} {name} --env {environment}{policy.option}"


def accept_recipients(edge: Edge, environment: Environment, *, venture: str = "") -> tuple[Recipient, ...]:
    """Take recipients that another tool wrote into the file as meant. Those that are new."""
    return _sops(edge, scoped(edge, venture, environment), environment).accept(edge.clock.now())


def _sops(edge: Edge, fleet: Fleet, environment: Environment) -> SopsStore:
    if fleet.secrets.store != "sops":
        raise UsageError(
            f'the store is "{fleet.secrets.store}"; only files of "sops" are encrypted for recipients',
            where="cattlegrid.toml: secrets.store",
        )
    return store.sops(fleet, environment, edge.environ, edge.ask)


def _audit_key(edge: Edge, fleet: Fleet) -> Secret | None:
    """The key that a store which is there already has. Raises MissingCredential when it cannot be seen."""
    for environment in fleet.secrets.environments:
        stored = store.read(fleet, environment, edge.environ, edge.ask)
        if stored.closed:
            stored.expect_open()
        if digest.AUDIT_KEY in stored.own:
            return stored.own[digest.AUDIT_KEY]
    return None


def _only_keys(edge: Edge, fleet: Fleet, environments: tuple[Environment, ...], audit: Secret | None) -> list[str]:
    """A store that is there without our doing gets the keys that it lacks."""
    made = []
    for environment in environments:
        stored = store.read(fleet, environment, edge.environ, edge.ask)
        if not {digest.AUDIT_KEY, digest.OWN_KEY} <= set(stored.own):
            own = digest.new_keys(audit)
            audit = own[digest.AUDIT_KEY]
            changes: dict[str, Secret | None] = {f"{RESERVED}{name}": value for name, value in own.items()}
            store.choose(fleet, environment, edge.environ, edge.ask).change(changes, edge.clock.now())
            made.append(stored.place)
    return made


def _one_line(name: str) -> str:
    if any(sign in name for sign in "\t\n\r"):
        raise UsageError("a recipient's name is one line without tabs")
    return name
