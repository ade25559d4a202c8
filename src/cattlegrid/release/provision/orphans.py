"""Resources that look like an environment's and that no wrangler file names any more. They are told, and stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cattlegrid.cloudflare import d1, resources
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.resources import Kind, Resource
from cattlegrid.database.state import MARKER_TABLE
from cattlegrid.errors import ApiError
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Deployable
from cattlegrid.release.parallel import each
from cattlegrid.release.provision.wanted import Wanted, wanted
from cattlegrid.wrangler.split.twin import staging_name

_MOST_MARKERS: Final = 20
_MOST_LISTED: Final = 1000  # an account may have 50,000 databases, and may be asked 1,200 things in five minutes
_MARKER: Final = f"SELECT value FROM {MARKER_TABLE} WHERE name = 'environment'"  # noqa: S608 - a constant


@dataclass(frozen=True)
class Orphan:
    """`why` it is taken for this environment's."""

    kind: Kind
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Left:
    """`unlisted` says which kinds could not be looked through, and why."""

    orphans: tuple[Orphan, ...] = ()
    unlisted: tuple[str, ...] = ()


def named_as_ours(
    found: Iterable[Resource], scripts: Iterable[str], held: Iterable[Wanted], twins: Iterable[str] = ()
) -> tuple[Orphan, ...]:
    """Of `found`, what is called after one of these scripts or as a twin would be, and nobody in `held` is bound to."""
    bound = {(one.kind, key) for one in held for key in (one.id, one.name)}
    left = [one for one in found if not bound & {(one.kind, one.id), (one.kind, one.name)}]
    begins, made = tuple(scripts), set(twins)
    orphans = []
    for one in left:
        script = next((script for script in begins if one.name.startswith(f"{script}-")), "")
        if script or one.name in made:
            orphans.append(Orphan(one.kind, one.name, f"called after {script}" if script else "called as split names"))
    return tuple(orphans)


def left_in_staging(client: Client, staging: Mapping[str, Deployable], production: Mapping[str, Deployable]) -> Left:
    """Every database, namespace, bucket and queue of staging's account against both environments' files.

    By name; databases also by the marker inside, when their name ends in staging. That marker does not say which fleet
    wrote it. A kind that this credential may not list, or of which there are too many, is told and no error.
    """
    ours, theirs = wanted(staging, production), wanted(production, staging)
    listed = each(lambda kind: _listed(client, kind), Kind)
    found = [one for some, _ in listed for one in some]
    # Before a split, production's own script may still be the only one.
    scripts = [worker.script for name, worker in staging.items() if worker.script != production[name].script]
    twins = [staging_name(one.name) for one in theirs if one.name]
    orphans = named_as_ours(found, scripts, (*ours, *theirs), twins)
    known = {(one.kind, key) for one in (*ours, *theirs) for key in (one.id, one.name)}
    known |= {(one.kind, one.name) for one in orphans}
    unsaid = [one for one in found if one.kind is Kind.D1 and not known & {(one.kind, one.id), (one.kind, one.name)}]
    asked = [one for one in unsaid if one.name.lower().endswith("staging")][:_MOST_MARKERS]
    marked = [one for one, yes in zip(asked, each(lambda one: _is_staging(client, one), asked), strict=True) if yes]
    why = "its marker says staging: of another fleet, or left behind"
    return Left(
        (*orphans, *(Orphan(one.kind, one.name, why) for one in marked)),
        tuple(problem for _, problem in listed if problem),
    )


def _listed(client: Client, kind: Kind) -> tuple[list[Resource], str]:
    """What there is, and why it may not be all."""
    try:
        found, more = resources.some_of(client, kind, _MOST_LISTED)
    except ApiError as error:
        return [], f"{kind}s: {error.what}"
    return found, f"{kind}s after the first {_MOST_LISTED}" if more else ""


def _is_staging(client: Client, one: Resource) -> bool:
    try:
        rows = d1.rows(client, one.id, _MARKER)
    except ApiError:
        return False  # no marker's table in it: nobody of ours made it
    return [row["value"] for row in rows] == [Environment.STAGING.value]
