"""Running a deploy plan: databases, then workers wave by wave. What fails stays behind; the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cattlegrid.cloudflare.client import Client
from cattlegrid.database import apply
from cattlegrid.errors import CattlegridError
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.target import Target
from cattlegrid.release.deploy.order import targets
from cattlegrid.release.deploy.plan import DatabaseStep, DeployPlan, WorkerStep
from cattlegrid.release.deploy.upload import Upload, deploy
from cattlegrid.release.parallel import each
from cattlegrid.secrets.push import values
from cattlegrid.secrets.store import Stored
from cattlegrid.wrangler.run import Wrangler


@dataclass(frozen=True)
class StepDone:
    """What became of one step of a plan: `version` is what is live, `detail` why it failed or was not tried."""

    name: str
    ok: bool
    version: str = ""
    detail: str = ""
    next: str = ""
    tried: bool = True
    seconds: float = 0.0


@dataclass(frozen=True)
class Ran:
    databases: tuple[StepDone, ...]
    workers: tuple[StepDone, ...]

    @property
    def ok(self) -> bool:
        return all(done.ok for done in (*self.databases, *self.workers))


@dataclass(frozen=True)
class Tools:
    """What running a plan needs beside it. `wranglers` is the one to use for each worker."""

    client: Client
    target: Target
    wranglers: Mapping[str, Wrangler]
    environ: Mapping[str, str]
    stored: Stored
    tell: Tell
    limit: int = 2


def run(plan: DeployPlan, tools: Tools) -> Ran:
    databases = each(lambda step: _database(step, tools), plan.databases)
    failed = {
        worker: f"database {done.name} was not migrated"
        for step, done in zip(plan.databases, databases, strict=True)
        if not done.ok
        for worker in step.workers
    }
    workers: list[StepDone] = []
    for wave in plan.waves:
        ready = [step for step in wave if step.worker not in failed]
        workers += [
            StepDone(step.worker, ok=False, tried=False, detail=failed[step.worker])
            for step in wave
            if step not in ready
        ]
        done = each(lambda step: _worker(step, tools), ready, limit=tools.limit)
        workers += done
        if any(not one.ok for one in (*done, *workers)):
            failed |= _left_behind(plan, tools.target, {one.name for one in workers if not one.ok})
    return Ran(tuple(databases), tuple(workers))


def _left_behind(plan: DeployPlan, target: Target, failed: set[str]) -> dict[str, str]:
    """Workers of later waves that bind to a first deploy that did not come."""
    missing = {step.script: step.worker for step in plan.workers if step.first and step.worker in failed}
    return {
        step.worker: f"it binds to {missing[script]}, which was not deployed"
        for step in plan.workers
        if step.worker not in failed
        for script in targets(target.workers[step.worker])
        if script in missing
    }


def _database(step: DatabaseStep, tools: Tools) -> StepDone:
    environment = tools.target.environment

    def work() -> str:
        for finding in step.plan.findings:
            tools.tell(Event(Phase.NOTE, "migrate", environment, step.name, str(finding)))
        return ", ".join(map(str, apply.run(tools.client, step.plan, environment))) or "marked"

    return _timed("migrate", step.name, work, tools)


def _worker(step: WorkerStep, tools: Tools) -> StepDone:
    upload = Upload(tools.wranglers[step.worker], tools.target.workers[step.worker], tools.environ, tools.client)

    def work() -> str:
        secrets = values(step.secrets, tools.stored)
        return deploy(
            upload, step.stamp, secrets, step.assets, before=step.before_version, manifest=step.secrets.manifest
        )

    return _timed("deploy", step.worker, work, tools)


def _timed(step: str, name: str, work: Callable[[], str], tools: Tools) -> StepDone:
    clock, environment = tools.client.clock, tools.target.environment
    started = clock.monotonic()
    tools.tell(Event(Phase.STARTED, step, environment, name))
    try:
        result = work()
    except CattlegridError as error:
        seconds = clock.monotonic() - started
        tools.tell(Event(Phase.FAILED, step, environment, name, str(error), seconds))
        return StepDone(name, ok=False, detail=str(error), next=error.next, seconds=seconds)
    seconds = clock.monotonic() - started
    shown = f"version {result[:8]}" if step == "deploy" else result
    tools.tell(Event(Phase.FINISHED, step, environment, name, shown, seconds))
    return StepDone(name, ok=True, version=result if step == "deploy" else "", detail=shown, seconds=seconds)
