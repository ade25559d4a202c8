"""`secrets import`: values from a `.env` or `.dev.vars` file, or from another store, into an environment's store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cattlegrid.errors import MissingCredential, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.secrets import dotenv, form, store
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.scope import scoped


@dataclass(frozen=True)
class Brought:
    """Names only. `left` were not taken, each with the reason; `file` is the plain file that is still there."""

    environment: Environment
    taken: tuple[str, ...]
    same: tuple[str, ...]
    left: dict[str, str]
    file: str = ""


def bring(
    edge: Edge,
    environment: Environment,
    *,
    file: Path | None = None,
    kind: str = "",
    replacing: bool = False,
    venture: str = "",
) -> Brought:
    """Take every declared name that the source has and the store has not; `replacing` takes the others as well.

    Raises UsageError without a source, MissingCredential, StoreError, ConfigError for a file that cannot be read.
    """
    fleet = scoped(edge, venture, environment)
    found, shown = _source(edge, fleet, environment, file, kind)
    stored = store.read(fleet, environment, edge.environ, edge.ask).expect_open()
    taken: dict[str, Secret | None] = {}
    same, left = [], {}
    for name, value in found.items():
        canonical = fleet.secrets.canonical(name)
        if canonical not in fleet.secrets.names(environment):
            left[name] = f"is in no list of [secrets] for {environment}"
        elif problems := form.problems(fleet.secrets, canonical, value):
            left[name] = f"its value {'; it '.join(problems)}"
        elif stored.values.get(canonical) == value:
            same.append(canonical)
        elif canonical in stored.values and not replacing:
            left[name] = "has another value; --replace takes this one"
        else:
            taken[canonical] = value
    if taken:
        store.choose(fleet, environment, edge.environ, edge.ask).change(taken, edge.clock.now())
    return Brought(environment, tuple(taken), tuple(same), left, shown)


def _source(
    edge: Edge, fleet: Fleet, environment: Environment, file: Path | None, kind: str
) -> tuple[Mapping[str, Secret], str]:
    if file is not None:
        return dotenv.values_in(file), str(file)
    if kind == fleet.secrets.store or not kind:
        raise UsageError("name a file, or another store: --from dotenv or --from infisical")
    other = replace(fleet, secrets=replace(fleet.secrets, store=kind))
    source = store.choose(other, environment, edge.environ, edge.ask)
    contents = source.read()
    if contents.closed:
        raise MissingCredential(contents.closed, where=source.place)
    ours = {name: value for name, value in contents.values.items() if not name.startswith(store.RESERVED)}
    return ours, source.place if kind == "dotenv" and ours else ""
