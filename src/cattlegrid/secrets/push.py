"""Setting the secrets of scripts: a plan of names, then one call for each script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cattlegrid.cloudflare import secrets
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable
from cattlegrid.secrets import digest, uses
from cattlegrid.secrets.digest import NOTHING, Manifest
from cattlegrid.secrets.store import Stored


@dataclass(frozen=True)
class PushPlan:
    """For one worker: `put` will be set from the store, `missing` is in neither place, `unknown` only on Cloudflare.

    `removed` will be deleted. `manifest` is what the variable CATTLEGRID_SECRETS will say then. `deployed` is False
    while there is no such script: its secrets go up with its first deploy.
    """

    worker: str
    script: str
    put: tuple[str, ...]
    kept: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    removed: tuple[str, ...] = ()
    manifest: str = ""
    deployed: bool = True


@dataclass(frozen=True)
class There:
    """What Cloudflare tells of a script: the names of its secrets, and the manifest of the version that is live."""

    names: frozenset[str]
    manifest: Manifest = NOTHING


def there(client: Client, script: str, bindings: Iterable[Mapping[str, object]]) -> There:
    """`bindings` are those of the version that is live."""
    return There(secrets.names(client, script), digest.read(bindings))


def plan(
    fleet: Fleet,
    environment: Environment,
    deployable: Deployable,
    *,
    stored: Stored,
    there: There,
    again: bool,
    only: frozenset[str] | None = None,
) -> PushPlan:
    """What to set. `again` sets those that Cloudflare has too; otherwise only the ones that it lacks.

    `only` leaves all other names as they are.
    """
    on_cloudflare = there.names
    names = uses.needed(fleet, deployable, environment)
    optional = uses.second_slots(fleet, names)
    put = tuple(
        name
        for name in (*names, *optional)
        if stored.values.get(name) and (again or name not in on_cloudflare) and (only is None or name in only)
    )
    live = there.manifest.after(NOTHING, (), gone=set(there.manifest.digests) - on_cloudflare)
    return PushPlan(
        worker=deployable.worker.name,
        script=deployable.script,
        put=put,
        kept=tuple(name for name in names if name in on_cloudflare and name not in put),
        missing=tuple(name for name in names if _lacks(name, stored, on_cloudflare, again=again)),
        unknown=tuple(sorted(on_cloudflare - {*names, *optional})),
        manifest=str(live.after(digest.of(fleet.secrets, stored), put)),
    )


def _lacks(name: str, stored: Stored, on_cloudflare: frozenset[str], *, again: bool) -> bool:
    """An empty value is no value; a push of everything needs everything in the store."""
    return not stored.values.get(name) and (again or name not in on_cloudflare)


def refuse_missing(plans: tuple[PushPlan, ...], stored: Stored) -> None:
    """Raises Refused when a worker needs a secret that is neither on Cloudflare nor in the store."""
    missing = [f"{plan.worker} needs {name}" for plan in plans for name in plan.missing]
    if missing:
        first = next(plan.missing[0] for plan in plans if plan.missing)
        raise Refused(
            f"{'; '.join(missing)}: neither Cloudflare nor the store of {stored.environment} has it",
            next=stored.how_to_add(first),
        )


def push(client: Client, plan: PushPlan, stored: Stored) -> None:
    """All of the worker's secrets and their manifest in one new version, which then takes all traffic."""
    if plan.put or plan.removed:
        changes: dict[str, Secret | None] = {**values(plan, stored), **dict.fromkeys(plan.removed)}
        secrets.change(client, plan.script, changes, {digest.VARIABLE: plan.manifest})


def values(plan: PushPlan, stored: Stored) -> Mapping[str, Secret]:
    return {name: stored.values[name] for name in plan.put}


def without(plan: PushPlan, names: tuple[str, ...], on_cloudflare: frozenset[str]) -> PushPlan:
    """The plan with these names deleted, as far as they are there; its manifest no longer names them."""
    gone = tuple(name for name in names if name in on_cloudflare)
    return replace(plan, removed=gone, manifest=str(digest.parse(plan.manifest).after(NOTHING, (), gone)))
