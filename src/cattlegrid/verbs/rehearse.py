"""`rehearse`: the migrations that production still lacks, on a throw-away copy of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

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
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.mirror import Ground, Surveyed, surveyed


@dataclass(frozen=True)
class Options:
    """`unmasked` copies real values, within one account only. `loss_meant` accepts rows that migrations take away."""

    unmasked: bool = False
    loss_meant: bool = False


@dataclass(frozen=True)
class DatabaseRehearsed:
    """`rows` is how many rows of production the copy had; `migrations` those that ran, the last of which may fail."""

    database: str
    pending: tuple[str, ...]
    rows: int
    masked: bool
    migrations: tuple[Rehearsed, ...]

    def checks(self, *, loss_meant: bool) -> tuple[Check, ...]:
        """A check for each pending migration; those after a failure are not measured."""
        found = [_check(self.database, one, loss_meant=loss_meant) for one in self.migrations]
        rest = self.pending[len(found) :]
        return (*found, *(Check(name, Outcome.NOT_MEASURED, "an earlier one failed", self.database) for name in rest))


@dataclass(frozen=True)
class RehearsalReport:
    environment: Environment
    databases: tuple[DatabaseRehearsed, ...]
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """Nothing pending passes: production lacks no migration, and that was looked up."""
        return Outcome.of(check.outcome for check in self.checks) if self.checks else Outcome.PASS


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
    said = f"{len(found)} migrations on {copied.rows} rows"
    tell(Event(Phase.FINISHED, f"rehearse {name}", Environment.STAGING, "", said, clock.monotonic() - started))
    names = tuple(migration.name for migration in pending)
    return DatabaseRehearsed(name, names, copied.rows, not options.unmasked, found)


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
    base = destination.base(one.pair.staging.name)
    new = d1.create(client, f"{base}-rehearsal-{ground.edge.clock.now():%y%m%d%H%M%S}")
    try:
        marker.mark(client, replace(one.pair.staging, id=new.id, name=new.name), Environment.STAGING)
        targets = ground.staging.target, ground.production.target
        yield StagingWriter(*targets, client, new.id, new.name, one.source.pace)
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
