"""`secrets push`: set the secrets that an environment's workers need."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cattlegrid.cloudflare import secrets as cloudflare_secrets
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Failed, Refused
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.release.live import Live, read_one
from cattlegrid.release.parallel import each
from cattlegrid.release.target import resolve
from cattlegrid.secrets import digest, push, store
from cattlegrid.secrets.push import PushPlan
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


@dataclass(frozen=True)
class PushOptions:
    """`delete_unknown` removes what is on Cloudflare and in no list; `new_store` accepts a store with other keys."""

    dry_run: bool = False
    delete_unknown: bool = False
    new_store: bool = False


@dataclass(frozen=True)
class PushReport:
    """Names only. `pushed` is False for a dry run, and when a value was missing: then nothing was pushed at all."""

    environment: Environment
    plans: tuple[PushPlan, ...]
    pushed: bool

    @property
    def outcome(self) -> Outcome:
        """A secret that a worker needs and the store lacks fails; so does a push that had nowhere to go."""
        if any(plan.missing for plan in self.plans):
            return Outcome.FAIL
        return Outcome.PASS if any(plan.deployed for plan in self.plans) else Outcome.NOT_MEASURED


def push_secrets(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    options: PushOptions = PushOptions(),
    *,
    tell: Tell = lambda _: None,
) -> PushReport:
    """Set every secret that the workers need, all or none, then read the names back.

    A worker that was never deployed is left out: its secrets go up with its first deploy. Raises ConfigError,
    MissingCredential, StoreError, ApiError, Refused (of another store than the last push was made from), Failed.
    """
    fleet = load(edge.cwd)
    chosen = [worker.name for worker in fleet.named(names)]
    target = resolve(fleet, environment, edge.environ)
    stored = store.read(fleet, environment, edge.environ, edge.ask).expect_open()
    with Client(target.account, clock=edge.clock) as client:

        def one(name: str) -> tuple[PushPlan, Live]:
            worker = target.workers[name]
            alive = read_one(client, worker.script)
            there = push.there(client, worker.script, alive.version.bindings if alive.version is not None else ())
            made = push.plan(fleet, environment, worker, stored=stored, there=there, again=True)
            return replace(made, deployed=alive.version is not None), alive

        seen = each(one, chosen)
        if not options.new_store:
            _refuse_another_store(digest.of(fleet.secrets, stored).key, seen)
        plans = tuple(_with_removals(plan) if options.delete_unknown else plan for plan, _ in seen)
        report = PushReport(environment, plans, pushed=False)
        if options.dry_run or report.outcome is Outcome.FAIL:
            return report

        def send(plan: PushPlan) -> None:
            push.push(client, plan, stored)
            _read_back(client, plan)
            tell(Event(Phase.FINISHED, "secrets", environment, plan.worker, ", ".join(plan.put)))

        each(send, [plan for plan in plans if plan.deployed], limit=8)
    return replace(report, pushed=any(plan.deployed for plan in plans))


def _with_removals(plan: PushPlan) -> PushPlan:
    return replace(push.without(plan, plan.unknown, frozenset(plan.unknown)), unknown=())


def _refuse_another_store(key: str, seen: list[tuple[PushPlan, Live]]) -> None:
    """A file that somebody made anew, with values of their own, has other keys than the one that was pushed last."""
    for plan, alive in seen:
        last = digest.read(alive.version.bindings if alive.version is not None else ()).key
        if last and last != key:
            raise Refused(
                "the store is not the one that its secrets were last pushed from: it was replaced, or made anew",
                where=plan.worker,
                next="git log -- secrets; when it was meant: cattlegrid secrets push --new-store",
            )


def _read_back(client: Client, plan: PushPlan) -> None:
    there = cloudflare_secrets.names(client, plan.script)
    lost, stayed = set(plan.put) - there, set(plan.removed) & there
    if lost or stayed:
        raise Failed(
            f"after the push Cloudflare lacks {', '.join(sorted(lost)) or 'nothing'}"
            f" and still has {', '.join(sorted(stayed)) or 'nothing too much'}",
            where=plan.script,
            next="cattlegrid secrets push",
        )
