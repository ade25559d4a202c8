"""`secrets push`: set the secrets that an environment's workers need."""

from __future__ import annotations

from dataclasses import dataclass

from cattlegrid.cloudflare import secrets as cloudflare_secrets
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.release.parallel import each
from cattlegrid.release.target import resolve
from cattlegrid.secrets import push, store
from cattlegrid.secrets.push import PushPlan
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


@dataclass(frozen=True)
class PushReport:
    """Names only. `pushed` is False for a dry run."""

    environment: Environment
    plans: tuple[PushPlan, ...]
    pushed: bool

    @property
    def outcome(self) -> Outcome:
        """A secret that is neither on Cloudflare nor in the store fails."""
        return Outcome.FAIL if any(plan.missing for plan in self.plans) else Outcome.PASS


def push_secrets(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    *,
    dry_run: bool = False,
    tell: Tell = lambda _: None,
) -> PushReport:
    """Set every secret that the store has and the workers declare. Raises ConfigError, MissingCredential, ApiError."""
    fleet = load(edge.cwd)
    chosen = [worker.name for worker in fleet.named(names)]
    target = resolve(fleet, environment, edge.environ)
    stored = store.read(fleet, environment)
    with Client(target.account, clock=edge.clock) as client:

        def one(name: str) -> PushPlan:
            worker = target.workers[name]
            there = cloudflare_secrets.names(client, worker.script)
            return push.plan(fleet, environment, worker, stored=stored, on_cloudflare=there, again=True)

        plans = tuple(each(one, chosen))
        if not dry_run:
            for plan in plans:
                push.push(client, plan, stored)
                tell(Event(Phase.FINISHED, "secrets", environment, plan.worker, ", ".join(plan.put)))
    return PushReport(environment, plans, not dry_run)
