"""Setting the secrets of scripts: a plan of names, then one call for each script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cattlegrid.cloudflare import secrets
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable
from cattlegrid.secrets.store import Stored, needed


@dataclass(frozen=True)
class PushPlan:
    """For one worker: `put` will be set from the store, `missing` is in neither place, `unknown` only on Cloudflare."""

    worker: str
    script: str
    put: tuple[str, ...]
    kept: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def plan(
    fleet: Fleet,
    environment: Environment,
    deployable: Deployable,
    *,
    stored: Stored,
    on_cloudflare: frozenset[str],
    again: bool,
) -> PushPlan:
    """What to set. `again` sets those that Cloudflare has too; otherwise only the ones that it lacks."""
    names = needed(fleet, deployable.worker, environment)
    put = tuple(name for name in names if name in stored.values and (again or name not in on_cloudflare))
    return PushPlan(
        worker=deployable.worker.name,
        script=deployable.script,
        put=put,
        kept=tuple(name for name in names if name in on_cloudflare and name not in put),
        missing=tuple(name for name in names if name not in on_cloudflare and name not in stored.values),
        unknown=tuple(sorted(on_cloudflare - set(names))),
    )


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
    if plan.put:
        secrets.put(client, plan.script, {name: stored.values[name] for name in plan.put})


def values(plan: PushPlan, stored: Stored) -> Mapping[str, Secret]:
    return {name: stored.values[name] for name in plan.put}
