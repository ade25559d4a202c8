"""`provision`: create the databases, namespaces, buckets and queues that an environment's files name and lack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cattlegrid.cloudflare.resources import Kind
from cattlegrid.git import repository as git
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Tell
from cattlegrid.release.provision import plan as planning
from cattlegrid.release.provision import run as running
from cattlegrid.release.provision.orphans import named_as_ours
from cattlegrid.release.provision.plan import ProvisionPlan
from cattlegrid.release.provision.wanted import Wanted, by_hand, wanted
from cattlegrid.release.smoke.keys import OTHER
from cattlegrid.release.target import deployables
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import locked, opened


@dataclass(frozen=True)
class ProvisionOptions:
    """`mark`: a person says that databases with tables and without a marker belong to this environment."""

    dry_run: bool = False
    mark: bool = False


@dataclass(frozen=True)
class ProvisionReport:
    """`ran` is None for a dry run, and when there was nothing to do (`plan.empty`)."""

    plan: ProvisionPlan
    ran: running.Ran | None = None

    @property
    def outcome(self) -> Outcome:
        return Outcome.FAIL if self.ran is not None and self.ran.problem else Outcome.PASS


def provision(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    options: ProvisionOptions = ProvisionOptions(),
    *,
    tell: Tell = lambda _: None,
) -> ProvisionReport:
    """Bring the named workers' resources, or all, into being; write their ids and the environment's marker.

    Nothing is ever deleted or made twice: names are looked up first. Raises Refused for what is another environment's
    or cannot be found; nothing was created then. What goes wrong later is in the report, with what was made.
    """
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    other = OTHER[environment]
    now = {worker.config: (fleet.root / worker.config).read_bytes() for worker in fleet.workers}
    files = deployables(fleet, other)
    with (
        opened(edge, fleet, environment, tell) as (here, there, missing),
        locked(edge, git.find(fleet.root, edge.environ), environment, "provision"),
    ):
        workers = {name: worker for name, worker in here.target.workers.items() if name in chosen}
        asked = wanted(workers, files)
        account = planning.look(here.client, asked)
        # Only staging is modelled on the other environment.
        twins = planning.look(there.client, asked) if there is not None and environment is Environment.STAGING else None
        theirs = wanted(files, {})
        found = planning.plan(environment, asked, account, _held(theirs), twins, mark=options.mark)
        notes = (f"{other} was not looked at, so nothing is copied from it: {missing}",) if missing else ()
        scripts = [worker.script for worker in (*workers.values(), *files.values())]
        ours = wanted(here.target.workers, files)
        left = named_as_ours(account.everything, scripts, (*ours, *theirs))
        report = ProvisionReport(replace(found, by_hand=by_hand(workers), orphans=left, notes=notes))
        if options.dry_run or found.empty:
            return report
        return replace(report, ran=running.run(here.client, fleet.root, found, now, tell))


def _held(resources: Iterable[Wanted]) -> frozenset[tuple[Kind, str]]:
    """What the other environment's files hold."""
    return frozenset((one.kind, one.id) for one in resources if one.id)
