"""`migrate`: the pending migrations of staging's databases, as wrangler would apply them, and a report of each file."""

from __future__ import annotations

from dataclasses import dataclass, field

from cattlegrid.database import apply, migrations, review, state
from cattlegrid.database.apply import Applied, DatabasePlan
from cattlegrid.database.bound import Bound, bound
from cattlegrid.errors import ApiError, CattlegridError, Refused
from cattlegrid.git import repository as git
from cattlegrid.model.check import Outcome
from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.release.examine import Place
from cattlegrid.release.parallel import each
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import locked, opened


@dataclass(frozen=True)
class MigrateOptions:
    """`allow_out_of_order`: a file that sorts before an applied one is applied all the same, as wrangler would."""

    dry_run: bool = False
    allow_out_of_order: bool = False


@dataclass(frozen=True)
class DatabaseReport:
    """One database. `applied` are the files of this run, in order; `problem` says what stopped it, or is empty."""

    plan: DatabasePlan
    workers: tuple[str, ...]
    applied: tuple[Applied, ...] = ()
    problem: str = ""
    next: str = ""

    @property
    def name(self) -> str:
        return self.plan.database.name or self.plan.database.id


@dataclass(frozen=True)
class MigrateReport:
    environment: Environment
    databases: tuple[DatabaseReport, ...]
    ran: bool
    seconds: float = 0.0
    names: tuple[str, ...] = field(default=())

    @property
    def outcome(self) -> Outcome:
        """Nothing pending passes; no database at all is not measured."""
        if not self.databases:
            return Outcome.NOT_MEASURED
        return Outcome.FAIL if any(one.problem for one in self.databases) else Outcome.PASS


def migrate(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    options: MigrateOptions = MigrateOptions(),
    *,
    tell: Tell = lambda _: None,
) -> MigrateReport:
    """Apply what the ledgers of the named workers' databases lack, or of all.

    Raises Refused for production, for another environment's database, and for findings that stop a migration; nothing
    was applied then. A file that fails does not raise: it is in the report, with what is applied.
    """
    if environment is not Environment.STAGING:
        raise Refused(
            "production is migrated by a promotion alone, after staging was and with a bookmark to return to",
            next="cattlegrid promote",
        )
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    started = edge.clock.monotonic()
    with opened(edge, fleet, environment, tell) as (here, _, _):
        found = bound(worker for name, worker in here.target.workers.items() if name in chosen)
        plans = each(lambda one: _plan(here, one), found)
        for one, plan in zip(found, plans, strict=True):
            review.refuse(plan.findings, f"database {one.name}", allow_out_of_order=options.allow_out_of_order)
        reports = tuple(DatabaseReport(plan, one.workers) for one, plan in zip(found, plans, strict=True))
        if not options.dry_run and any(plan.needed for plan in plans):
            with locked(edge, git.find(fleet.root, edge.environ), environment, "migrate"):
                reports = tuple(each(lambda report: _run(here, report, tell), reports, limit=4))
    return MigrateReport(environment, reports, not options.dry_run, edge.clock.monotonic() - started)


def _plan(here: Place, one: Bound) -> DatabasePlan:
    files = migrations.read(one.database)
    try:
        found = state.read(here.client, one.database)
    except ApiError as error:
        if error.status != 404:
            raise
        raise Refused(
            f"the account has no database {one.database.id}: it was deleted, or it is another account's",
            where=f"database {one.name}",
            next="cattlegrid provision --dry-run",
        ) from error
    return apply.plan(found, files, here.target.environment)


def _run(here: Place, report: DatabaseReport, tell: Tell) -> DatabaseReport:
    environment, applied = here.target.environment, list[Applied]()

    def done(one: Applied) -> None:
        applied.append(one)
        what = f"{one.name}  {count(one.statements, 'statement')}"
        tell(Event(Phase.FINISHED, "migrate", environment, report.name, what, one.seconds))

    problem, next_words = "", ""
    try:
        apply.run(here.client, report.plan, environment, done=done)
    except CattlegridError as error:
        problem, next_words = error.what, error.next
        tell(Event(Phase.FAILED, "migrate", environment, report.name, "stopped"))
    return DatabaseReport(report.plan, report.workers, tuple(applied), problem, next_words)
