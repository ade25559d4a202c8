"""`secrets list` and `secrets diff`: names, where they are, how old, and fingerprints; never values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cattlegrid.errors import CattlegridError
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet, Kind
from cattlegrid.release.target import deployables
from cattlegrid.secrets import digest, store, uses
from cattlegrid.secrets.store import Stored
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.scope import scoped


@dataclass(frozen=True)
class Entry:
    """A name in one environment's store. `fingerprint` is a keyed digest, empty where the store cannot be opened."""

    present: bool
    since: datetime | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class Row:
    name: str
    kind: Kind
    workers: tuple[str, ...]
    entries: dict[Environment, Entry] = field(default_factory=dict)
    used_by: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """`closed` says of an environment why its store cannot be opened here; `extra` are names that nobody declared.

    `ventures` have secrets of their own, which are in a listing of theirs.
    """

    rows: tuple[Row, ...]
    places: dict[Environment, str]
    closed: dict[Environment, str]
    extra: dict[Environment, tuple[str, ...]]
    now: datetime
    ventures: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASS if self.rows else Outcome.NOT_MEASURED


def list_secrets(edge: Edge, *, venture: str = "") -> Listing:
    """Every declared name. Needs no credential; a store that cannot be opened still tells its names, where it can."""
    fleet = scoped(edge, venture)
    has = fleet.secrets.environments
    stores = {environment: store.read(fleet, environment, edge.environ, edge.ask) for environment in has}
    digests = {environment: digest.of(fleet.secrets, stored).digests for environment, stored in stores.items()}
    users = {environment: {} if venture else _users(fleet, environment) for environment in has}
    rows = []
    for name, kind in fleet.secrets.kinds().items():
        about = fleet.secrets.of(name)
        there = [environment for environment in has if name in fleet.secrets.names(environment)]
        entries = {one: _entry(name, stores[one], digests[one].get(name, "")) for one in there}
        workers = tuple(dict.fromkeys(worker for one in there for worker in users[one].get(name, ())))
        rows.append(Row(name, kind, workers, entries, about.used_by, about.aliases))
    return Listing(
        rows=tuple(rows),
        places={environment: stored.place for environment, stored in stores.items()},
        closed={environment: stored.closed for environment, stored in stores.items() if stored.closed},
        extra={environment: stored.extra for environment, stored in stores.items() if stored.extra},
        now=edge.clock.now(),
        ventures=() if venture else tuple(fleet.venture_secrets),
    )


def _entry(name: str, stored: Stored, fingerprint: str) -> Entry:
    return Entry(name in stored.names or name in stored.values, stored.since.get(name), fingerprint[:8])


def _users(fleet: Fleet, environment: Environment) -> dict[str, list[str]]:
    """By canonical name the workers that use it. A broken wrangler file is `check`'s business, not a listing's."""
    try:
        workers = deployables(fleet, environment)
    except CattlegridError:
        return {}
    found: dict[str, list[str]] = {}
    for name, deployable in workers.items():
        for used in uses.needed(fleet, deployable, environment):
            found.setdefault(fleet.secrets.canonical(used), []).append(name)
    return found
