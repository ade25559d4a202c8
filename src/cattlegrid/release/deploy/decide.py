"""From what changed to a deploy plan: databases, secrets, order, and the refusals that come before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cattlegrid.cloudflare.client import Client
from cattlegrid.database import apply, migrations, state
from cattlegrid.database.bound import Bound, bound
from cattlegrid.errors import Backwards
from cattlegrid.git import repository as git
from cattlegrid.model.change import Change, Verdict
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Deployable
from cattlegrid.release.deploy.order import waves
from cattlegrid.release.deploy.plan import DatabaseStep, DeployPlan, WorkerStep
from cattlegrid.release.detect import Detected
from cattlegrid.release.live import Live
from cattlegrid.release.parallel import each
from cattlegrid.release.source import Source
from cattlegrid.secrets import push
from cattlegrid.secrets.store import Stored


@dataclass(frozen=True)
class Wanted:
    """The workers to look at, as they are here and as they are live."""

    source: Source
    environment: Environment
    workers: Mapping[str, Deployable]
    live: Mapping[str, Live]
    detected: tuple[Detected, ...]


def plan(client: Client, wanted: Wanted, stored: Stored, *, allow_rollback: bool) -> DeployPlan:
    """Raises Backwards, Refused for a missing secret or a database that is not this environment's. Changes nothing."""
    to_deploy = [one for one in wanted.detected if deployable(one)]
    if not allow_rollback:
        refuse_backwards(wanted.source, [one.change for one in to_deploy])
    pushes = _pushes(client, wanted, [one.change.worker for one in to_deploy], stored)
    steps = {one.change.worker: _step(one, wanted, pushes[one.change.worker]) for one in to_deploy}
    missing = frozenset(found.script for found in wanted.live.values() if found.version is None)
    ordered = waves([wanted.workers[name] for name in steps], missing)
    return DeployPlan(
        environment=wanted.environment,
        commit=wanted.source.commit,
        dirty=wanted.source.dirty,
        databases=database_steps(client, wanted.workers.values(), wanted.environment),
        waves=tuple(tuple(steps[name] for name in wave) for wave in ordered),
        unchanged=tuple(one.change.worker for one in wanted.detected if one.change.verdict is Verdict.UNCHANGED),
        live={name: found.version_id for name, found in wanted.live.items()},
    )


def deployable(one: Detected) -> bool:
    """Whether it changed and was built."""
    return one.change.verdict is not Verdict.UNCHANGED and one.error is None and one.change.built


def refuse_backwards(source: Source, changes: Sequence[Change]) -> None:
    """Raises Backwards unless the commit that is live of each worker is contained in the one that is checked out."""
    for change in changes:
        commit = change.live.commit if change.live is not None else ""
        if not commit:
            continue
        inside = git.is_ancestor(source.repository, commit, source.commit)
        if inside is None:
            git.deepen(source.repository)
            inside = git.is_ancestor(source.repository, commit, source.commit)
        if inside:
            continue
        known = "is not in the history of" if inside is False else "is not in this clone, so it may be newer than"
        raise Backwards(
            f"the live commit {commit[:12]} {known} {source.commit[:12]}: a deploy would take its work back",
            where=change.worker,
            next="git pull, then repeat the command; when going back is meant: --allow-rollback",
        )


def database_steps(client: Client, workers: Iterable[Deployable], environment: Environment) -> tuple[DatabaseStep, ...]:
    """What each database of these workers needs. Raises Refused for one that does not belong to the environment."""

    def one(found: Bound) -> DatabaseStep:
        planned = apply.plan(state.read(client, found.database), migrations.read(found.database), environment)
        return DatabaseStep(planned, found.workers)

    return tuple(step for step in each(one, bound(workers)) if step.plan.needed)


def _pushes(client: Client, wanted: Wanted, names: list[str], stored: Stored) -> dict[str, push.PushPlan]:
    fleet: Fleet = wanted.source.fleet

    def one(name: str) -> push.PushPlan:
        worker = wanted.workers[name]
        version = wanted.live[name].version
        there = push.there(client, worker.script, version.bindings if version is not None else ())
        return push.plan(fleet, wanted.environment, worker, stored=stored, there=there, again=False)

    found = each(one, names)
    push.refuse_missing(tuple(found), stored)
    return dict(zip(names, found, strict=True))


def _step(one: Detected, wanted: Wanted, pushed: push.PushPlan) -> WorkerStep:
    name = one.change.worker
    return WorkerStep(
        worker=name,
        script=wanted.workers[name].script,
        stamp=one.change.now,
        why=one.change.why,
        before_version=wanted.live[name].version_id,
        secrets=pushed,
        assets=one.bundle.assets if one.bundle is not None else {},
    )
