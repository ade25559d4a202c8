"""`secrets diff`: environments, stores and Workers side by side, by fingerprint."""

from __future__ import annotations

from dataclasses import dataclass

from cattlegrid.errors import ApiError
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Kind
from cattlegrid.release.live import read_live
from cattlegrid.secrets import digest
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.audit import read_each, ways


@dataclass(frozen=True)
class DiffRow:
    """By place (an environment's store, `worker of environment`) a fingerprint; "" where it is not or is not known."""

    name: str
    kind: Kind
    places: dict[str, str]
    good: bool | None


@dataclass(frozen=True)
class Diff:
    """`unseen` are the places that could not be looked at, with the reason."""

    rows: tuple[DiffRow, ...]
    columns: tuple[str, ...]
    unseen: dict[str, str]

    @property
    def outcome(self) -> Outcome:
        if any(row.good is False for row in self.rows):
            return Outcome.FAIL
        return Outcome.PASS if self.rows and all(row.good for row in self.rows) else Outcome.NOT_MEASURED


def diff(edge: Edge) -> Diff:
    """Never raises for what cannot be seen from here. Raises StoreError, ConfigError."""
    fleet = load(edge.cwd)
    stores = read_each(edge, fleet)
    unseen = {stored.place: stored.closed for stored in stores.values() if stored.closed}
    columns: dict[str, dict[str, str]] = {}
    for environment, stored in stores.items():
        columns[environment.value] = dict(digest.of(fleet.secrets, stored).digests)
    with ways(edge, fleet) as (found, _):
        for environment, way in found.items():
            if way.place is None:
                unseen[f"workers of {environment}"] = way.why_not
                continue
            try:
                state = read_live(way.place.client, way.place.target, way.place.target.workers)
            except ApiError as error:
                unseen[f"workers of {environment}"] = error.what
                continue
            for name, live in state.items():
                manifest = digest.read(live.version.bindings if live.version is not None else ())
                columns[f"{name} of {environment}"] = dict(manifest.digests)
    rows = tuple(_row(name, kind, columns) for name, kind in fleet.secrets.kinds().items())
    return Diff(rows, tuple(columns), unseen)


def _row(name: str, kind: Kind, columns: dict[str, dict[str, str]]) -> DiffRow:
    places = {column: digests.get(name, "")[:8] for column, digests in columns.items()}
    staging = {found for column, found in places.items() if found and column.endswith(Environment.STAGING)}
    production = {found for column, found in places.items() if found and column.endswith(Environment.PRODUCTION)}
    if len(staging) > 1 or len(production) > 1:
        return DiffRow(name, kind, places, good=False)
    if kind in {Kind.STAGING_ONLY, Kind.PRODUCTION_ONLY}:
        wrong = production if kind is Kind.STAGING_ONLY else staging
        return DiffRow(name, kind, places, good=not wrong)
    if not staging or not production:
        return DiffRow(name, kind, places, good=None)
    return DiffRow(name, kind, places, good=(staging == production) is (kind is Kind.SHARED))
