"""`secrets set`, `get`, `generate`: one value in, out, or made."""

from __future__ import annotations

import difflib
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass

from cattlegrid.errors import Refused, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet, Kind
from cattlegrid.model.secret import Secret
from cattlegrid.secrets import form, session, store
from cattlegrid.secrets.store import Stored
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.scope import scoped


@dataclass(frozen=True)
class Changed:
    """`names` were set in `environments`; `readers` can read them, and `notes` are what a person should know now."""

    environments: tuple[Environment, ...]
    names: tuple[str, ...]
    readers: dict[Environment, tuple[str, ...]]
    notes: tuple[str, ...] = ()


def set_value(
    edge: Edge, environments: tuple[Environment, ...], name: str, value: Secret, *, venture: str = ""
) -> Changed:
    """Set the value in these environments' stores.

    Raises UsageError for a name that they do not have and a value of the wrong form, Refused for an isolated value
    that another place has too, MissingCredential, StoreError.
    """
    fleet = scoped(edge, venture, *environments)
    canonical = declared(fleet, environments, name)
    form.expect_good(fleet.secrets, canonical, value)
    kind = fleet.secrets.kinds()[canonical]
    if kind is Kind.ISOLATED and len(environments) > 1:
        raise Refused(f"{canonical} is isolated: its value may not be the same in both environments", next="--env")
    everything = {one: store.read(fleet, one, edge.environ, edge.ask) for one in fleet.secrets.environments}
    if kind is Kind.ISOLATED:
        _refuse_equal(canonical, environments[0], value, everything)
    for environment in environments:
        everything[environment].expect_open()
        store.choose(fleet, environment, edge.environ, edge.ask).change({canonical: value}, edge.clock.now())
    notes = _notes(canonical, kind, environments, value, everything)
    return Changed(environments, (canonical,), _readers(edge, fleet, environments), notes)


def get_value(edge: Edge, environment: Environment, name: str, *, venture: str = "") -> Secret:
    """The value. Raises Refused in an agent's session, UsageError for a name without a value, MissingCredential."""
    fleet = scoped(edge, venture, environment)
    canonical = declared(fleet, (environment,), name)
    session.refuse_agents(edge.environ, "no secret's value is shown")
    stored = store.read(fleet, environment, edge.environ, edge.ask).expect_open()
    if canonical not in stored.values:
        raise UsageError(f"{stored.place} has no {canonical}", next=stored.how_to_add(canonical))
    return stored.values[canonical]


def generate(edge: Edge, environment: Environment, names: tuple[str, ...], *, venture: str = "") -> Changed:
    """Make random values for these names, or for all that are to be generated and have none.

    Raises Refused for a name that has a value: replacing it is a rotation. UsageError for a name nobody generates.
    """
    fleet = scoped(edge, venture, environment)
    stored = store.read(fleet, environment, edge.environ, edge.ask).expect_open()
    policy = fleet.secrets
    chosen = tuple(declared(fleet, (environment,), name) for name in names) or tuple(
        name for name in policy.names(environment) if _generated(fleet, name) and name not in stored.values
    )
    for name in chosen:
        if not _generated(fleet, name):
            raise UsageError(
                f"{name} is not made by us: it is in secrets.{policy.kinds()[name]}",
                next=f"cattlegrid secrets set {name} --env {environment}",
            )
        if name in stored.values:
            again = f"set {name} --venture {venture}" if venture else f"rotate {name}"
            raise Refused(f"{name} has a value", where=stored.place, next=f"cattlegrid secrets {again}")
    made: Mapping[str, Secret] = {name: new_value(fleet, name) for name in chosen}
    if made:
        store.choose(fleet, environment, edge.environ, edge.ask).change(made, edge.clock.now())
    return Changed((environment,), chosen, _readers(edge, fleet, (environment,)) if made else {})


def _readers(edge: Edge, fleet: Fleet, environments: tuple[Environment, ...]) -> dict[Environment, tuple[str, ...]]:
    """Shown after every write: a file that somebody made anew, for a key of their own too, is seen here."""
    stores = {environment: store.choose(fleet, environment, edge.environ, edge.ask) for environment in environments}
    return {environment: one.readers() for environment, one in stores.items()}


def new_value(fleet: Fleet, name: str) -> Secret:
    """32 random bytes, in the form that the name's row says."""
    about = fleet.secrets.of(name)
    written = randomness.token_hex(32) if "hex" in {about.generate, about.form} else randomness.token_urlsafe(32)
    return Secret(about.prefix + written)


def declared(fleet: Fleet, environments: tuple[Environment, ...], name: str) -> str:
    """The canonical name. Raises UsageError, and never repeats what looks like a value."""
    if "=" in name:
        raise UsageError(
            "a value on the command line is seen by every process of this machine, and kept in the shell's history",
            next=f"cattlegrid secrets set {name.partition('=')[0]}   (it asks for the value, or reads it from a pipe)",
        )
    policy = fleet.secrets
    canonical = policy.canonical(name)
    kinds = policy.kinds()
    if canonical not in kinds:
        close = difflib.get_close_matches(name, kinds, n=1)
        hint = f"did you mean {close[0]}?" if close else "add it to one of the lists in [secrets] of cattlegrid.toml"
        raise UsageError(f"this is not a declared secret; {hint}", next="cattlegrid secrets list")
    for environment in environments:
        if canonical not in policy.names(environment):
            raise Refused(f"{canonical} is {kinds[canonical]}: it must not exist in {environment}")
    return canonical


def _generated(fleet: Fleet, name: str) -> bool:
    return fleet.secrets.of(name).generate is not None or fleet.secrets.kinds()[name] is Kind.ISOLATED


def _refuse_equal(name: str, environment: Environment, value: Secret, everything: Mapping[Environment, Stored]) -> None:
    for other, stored in everything.items():
        for known, there in stored.values.items():
            if there == value and (other, known) != (environment, name):
                raise Refused(
                    f"the same value is {known} of {other}; an isolated secret's value is nowhere else",
                    where=name,
                    next=f"cattlegrid secrets generate {name} --env {environment}",
                )


def _notes(
    name: str,
    kind: Kind,
    environments: tuple[Environment, ...],
    value: Secret,
    everything: Mapping[Environment, Stored],
) -> tuple[str, ...]:
    if kind is not Kind.SHARED:
        return ()
    notes = []
    for other, there in everything.items():
        if other not in environments:
            if there.closed:
                notes.append(f"{name} is shared; {other} cannot be opened here, so set it there too")
            elif there.values.get(name) != value:
                notes.append(f"{name} is shared, and {other} has {'another' if name in there.values else 'no'} value")
    return tuple(notes)
