"""`rehearse`: the migrations that production still lacks, on a throw-away copy of its rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cattlegrid import toolchain
from cattlegrid.cloudflare import d1
from cattlegrid.database import marker, migrations, state
from cattlegrid.database.migrations import Migration
from cattlegrid.errors import Failed, Refused
from cattlegrid.mirror import destination, policy, run
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.rehearsal import Effect, Rehearsed
from cattlegrid.mirror.rehearsal import rehearse as rehearse_on
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.mirror.run import Copied, Job
from cattlegrid.mirror.staging import StagingWriter
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.target import Deployable
from cattlegrid.release import live, trial
from cattlegrid.release.examine import Place
from cattlegrid.release.trial import Code, Stage
from cattlegrid.secrets import store
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.mirror import Ground, Surveyed, surveyed
from cattlegrid.wrangler.run import pinned


@dataclass(frozen=True)
class Options:
    """`unmasked` copies real values, within one account only. `loss_meant` accepts rows that migrations take away.
    `smoke` starts the code on the migrated copy: staging's, and what production runs now.
    """

    unmasked: bool = False
    loss_meant: bool = False
    smoke: bool = True


@dataclass(frozen=True)
class DatabaseRehearsed:
    """`rows` is how many rows of production the copy had; `migrations` those that ran, the last of which may fail.

    `new` is how staging's code fares on the migrated rows, `old` how production's does: whether a roll back would work.
    """

    database: str
    pending: tuple[str, ...]
    rows: int
    masked: bool
    migrations: tuple[Rehearsed, ...]
    new: tuple[Check, ...] = ()
    old: tuple[Check, ...] = ()

    def checks(self, *, loss_meant: bool) -> tuple[Check, ...]:
        """A check for each pending migration and each worker's new code; those after a failure are not measured."""
        found = [_check(self.database, one, loss_meant=loss_meant) for one in self.migrations]
        rest = self.pending[len(found) :]
        gaps = (Check(name, Outcome.NOT_MEASURED, "an earlier one failed", self.database) for name in rest)
        return (*found, *gaps, *self.new)


@dataclass(frozen=True)
class RehearsalReport:
    environment: Environment
    databases: tuple[DatabaseRehearsed, ...]
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """Nothing pending passes: production lacks no migration, and that was looked up."""
        return Outcome.of(check.outcome for check in self.checks) if self.checks else Outcome.PASS

    @property
    def rollback(self) -> str:
        """Whether production could go back to the code that it runs now, once the migrations are in; empty when none
        is pending, or the code was not tried.
        """
        old = [check for one in self.databases for check in one.old]
        if not old:
            return ""
        outcome = Outcome.of(check.outcome for check in old)
        bad = "; ".join(f"{one.worker}: {one.detail}" for one in old if one.outcome is not Outcome.PASS)
        said = {Outcome.PASS: "possible", Outcome.FAIL: "not possible", Outcome.NOT_MEASURED: "not measured"}[outcome]
        return f"a roll back of the code alone is {said}" + (f": {bad}" if bad else "")


def rehearse(
    edge: Edge, names: tuple[str, ...] = (), options: Options = Options(), *, tell: Tell = lambda _: None
) -> RehearsalReport:
    """Rehearse on copies that are deleted again, whatever happens. Nothing of production is written to.

    Raises what `mirror` raises while the copy is made, and Refused for real values in another account.
    """
    with surveyed(edge, names, tell=tell) as ground:
        done = tuple(_one(ground, one, options, tell) for one in ground.surveyed)
    checks = tuple(check for one in done for check in one.checks(loss_meant=options.loss_meant))
    return RehearsalReport(Environment.PRODUCTION, done, checks)


def _one(ground: Ground, one: Surveyed, options: Options, tell: Tell) -> DatabaseRehearsed:
    name = one.pair.production.name
    pending = _pending(ground, one)
    if not pending:
        return DatabaseRehearsed(name, (), 0, not options.unmasked, ())
    _refuse(ground, one, options)
    clock = ground.edge.clock
    tell(Event(Phase.STARTED, f"rehearse {name}", Environment.STAGING))
    started = clock.monotonic()
    with _throw_away(ground, one) as writer:
        copied = _copy(ground, one, writer, options)
        found = rehearse_on(writer, [(migration.name, migration.sql) for migration in pending], clock)
        new, old = _code(ground, one, writer) if options.smoke and not found[-1].failure else ((), ())
    said = f"{len(found)} migrations on {copied.rows} rows"
    tell(Event(Phase.FINISHED, f"rehearse {name}", Environment.STAGING, "", said, clock.monotonic() - started))
    names = tuple(migration.name for migration in pending)
    return DatabaseRehearsed(name, names, copied.rows, not options.unmasked, found, new, old)


def _code(ground: Ground, one: Surveyed, writer: StagingWriter) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """Staging's code and production's on the copy, by the smoke checks of each worker that binds the database."""
    workers = [ground.staging.target.workers[name] for name in one.pair.workers]
    asked = [worker for worker in workers if worker.worker.smoke or worker.worker.steps]
    if not asked:
        return (), ()
    edge, database = ground.edge, (one.pair.staging.id, writer.engine.id, writer.engine.name)
    with tempfile.TemporaryDirectory(prefix="cattlegrid-") as folder:
        wrangler = pinned(toolchain.locate(edge.environ))
        stored = store.read(ground.fleet, Environment.STAGING, edge.environ)
        stage = Stage(ground.staging.client, wrangler, edge.environ, stored, Path(folder))

        def tried(worker: Deployable, place: Place, called: str) -> Check:
            script = place.target.workers[worker.worker.name].script
            version = live.read_one(place.client, script).version
            if version is None:
                where = place.target.environment.value
                return Check(called, Outcome.NOT_MEASURED, f"nothing is deployed in {where}", worker.worker.name)
            return trial.run(stage, worker, Code(place.client, script, version, called), database)

        new = tuple(tried(worker, ground.staging, "the new code") for worker in asked)
        old = tuple(tried(worker, ground.production, "the code that is live now") for worker in asked)
    return new, old


def _pending(ground: Ground, one: Surveyed) -> tuple[Migration, ...]:
    database = one.pair.production
    applied = set(state.read(ground.production.client, database).applied)
    return tuple(migration for migration in migrations.read(database) if migration.name not in applied)


def _refuse(ground: Ground, one: Surveyed, options: Options) -> None:
    accounts = {place.target.account.account_id for place in (ground.staging, ground.production)}
    if options.unmasked and len(accounts) > 1:
        raise Refused(
            "real values do not leave production's account, and staging's is another one", next="cattlegrid rehearse"
        )
    if not options.unmasked:
        policy.refuse_open(one.resolved, f"database {one.pair.production.name}")


@contextmanager
def _throw_away(ground: Ground, one: Surveyed) -> Iterator[StagingWriter]:
    """A database that is gone at the end."""
    client = ground.staging.client
    new = d1.create(client, destination.stamped(one.pair.staging.name, "rehearsal", ground.edge.clock.now()))
    try:
        marker.mark(client, replace(one.pair.staging, id=new.id, name=new.name), Environment.STAGING)
        targets = ground.staging.target, ground.production.target
        yield StagingWriter(*targets, client, new.id, new.name)
    finally:
        d1.drop(client, new.id)


def _copy(ground: Ground, one: Surveyed, writer: StagingWriter, options: Options) -> Copied:
    rules = KEEP_ALL if options.unmasked else one.resolved.rules
    job = Job(
        source=one.source,
        writer=writer,
        schema=one.schema,
        rules=rules,
        clock=ground.edge.clock,
        bookmark=lambda: d1.bookmark(ground.production.client, one.pair.production.id),
        about={"source": one.pair.production.id},
    )
    # Real values are meant here, or masked and looked through by `mirror`: no leak can leave a database that goes away.
    copied = run.run(job, Leaks(KEEP_ALL))
    if copied.outcome is not Outcome.PASS:
        wrong = "; ".join(f"{check.name}: {check.detail}" for check in copied.checks if check.outcome is Outcome.FAIL)
        raise Failed(f"the copy to rehearse on is not what production holds: {wrong}", where=writer.engine.name)
    run.forget(writer)
    return copied


def _check(database: str, one: Rehearsed, *, loss_meant: bool) -> Check:
    if one.failure:
        detail = f"{one.failure} in: {one.statement}" + (f" ({one.row})" if one.row else "")
        return Check(one.name, Outcome.FAIL, detail, database, one.seconds)
    if one.broken_references:
        detail = f"{one.broken_references} rows reference rows that are no longer there"
        return Check(one.name, Outcome.FAIL, detail, database, one.seconds)
    if one.lost and not loss_meant:
        detail = "rows lost: " + ", ".join(f"{its.lost} of {its.table}" for its in one.effects if its.lost)
        return Check(one.name, Outcome.FAIL, detail, database, one.seconds)
    slow = "; near the 30 s after which D1 ends a call" if one.slow else ""
    said = "; ".join(_effect(effect) for effect in one.effects) or "no row is lost or changed"
    return Check(one.name, Outcome.PASS, f"{said}{slow}", database, one.seconds)


def _effect(effect: Effect) -> str:
    after = "gone" if effect.after is None else f"{effect.after} rows"
    return f"{effect.table}: {effect.before} rows, then {after}; {effect.changed} changed, {effect.lost} lost"
