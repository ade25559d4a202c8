"""Applying migrations as wrangler does: its table, its order, the file and its ledger row in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client, InDoubt
from cattlegrid.cloudflare.d1 import Row
from cattlegrid.database import groups, review, sql, state
from cattlegrid.database.failure import explain
from cattlegrid.database.ledger import digest_sql, record_sql, table_sql
from cattlegrid.database.marker import mark, refuse_foreign
from cattlegrid.database.migrations import Migration
from cattlegrid.database.review import Finding, Problem
from cattlegrid.database.shape import SHAPE_SQL, Shape, of_row, shape
from cattlegrid.database.state import DatabaseState
from cattlegrid.errors import ApiError, Failed
from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database


@dataclass(frozen=True)
class DatabasePlan:
    """What a database needs: its marker, and the migrations that its ledger does not name, in order.

    `unknown` are names in the ledger without a file; `findings` all that is odd between ledger and files; `unchecked`
    the applied files whose later edits could not be seen.
    """

    database: Database
    mark: bool
    pending: tuple[Migration, ...]
    unknown: tuple[str, ...]
    applied: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def newest(self) -> str | None:
        """The newest migration in the ledger once the plan has run."""
        return self.pending[-1].name if self.pending else self.applied[-1] if self.applied else None

    @property
    def needed(self) -> bool:
        return self.mark or bool(self.pending)


@dataclass(frozen=True)
class Applied:
    """One file that was applied: how many statements, and the seconds that the database says they took.

    After a lost answer they are the seconds that we waited.
    """

    name: str
    statements: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.name} ({count(self.statements, 'statement')}, {self.seconds:.2f} s)"


def plan(found: DatabaseState, files: Sequence[Migration], environment: Environment) -> DatabasePlan:
    """Raises Refused when the database does not belong to this environment."""
    refuse_foreign(found, environment)
    applied, names = set(found.applied), {migration.name for migration in files}
    return DatabasePlan(
        database=found.database,
        mark=found.marker is None,
        pending=tuple(migration for migration in files if migration.name not in applied),
        unknown=tuple(name for name in found.applied if name not in names),
        applied=found.applied,
        findings=review.review(found, files),
        unchecked=review.unchecked(found, files),
    )


def run(
    client: Client,
    planned: DatabasePlan,
    environment: Environment,
    *,
    done: Callable[[Applied], None] = lambda _: None,
) -> tuple[Applied, ...]:
    """Do what the plan says, after looking at the marker once more. `done` hears of each file.

    Raises Refused for another environment's database, Failed with the file and the statement when SQL is wrong; the
    migrations before that one stay applied, the failed one left nothing.
    """
    if not planned.needed:
        return ()
    database = planned.database
    refuse_foreign(state.read(client, database), environment)
    if planned.mark:
        mark(client, database, environment)
    if not planned.pending:
        return ()
    # Whoever runs a plan: files that ran without a ledger are not run a second time.
    review.refuse([one for one in planned.findings if one.problem is Problem.UNRECORDED], f"database {database.name}")
    d1.ensure(client, database.id, table_sql(database.table))
    before = shape(client, database)
    ran: list[Applied] = []
    recorded: set[str] = set()
    for group in groups.groups(planned.pending, database.table, environment, before):
        # What an earlier file of this run wrote into the ledger itself is not run, as that file's author meant.
        files = [one for one in group if one.name not in recorded]
        found, before = _group(client, database, files, before, probe=environment is Environment.STAGING, done=done)
        ran += found
        if groups.writes_ledger(group, database.table):
            recorded |= set(state.read(client, database).applied)
    return tuple(ran)


def _group(
    client: Client,
    database: Database,
    files: Sequence[Migration],
    before: Shape,
    *,
    probe: bool,
    done: Callable[[Applied], None],
) -> tuple[list[Applied], Shape]:
    """The files of one group in one call; when that goes wrong, which took nothing with it, one after the other."""
    ran = _together(client, database, files) if len(files) > 1 else None
    if ran is not None:
        applied, after = ran
        for one in applied:
            done(one)
        return applied, after
    applied = []
    for migration in files:
        one, before = _one(client, database, migration, before, probe=probe)
        applied.append(one)
        done(one)
    return applied, before


def _together(client: Client, database: Database, files: Sequence[Migration]) -> tuple[list[Applied], Shape] | None:
    text = "\n".join(_text(database, one) for one in files)
    try:
        results = d1.write(client, database.id, f"{text}\n{SHAPE_SQL}")
    except ApiError:
        return None
    counts = [len(sql.statements(one.sql)) for one in files]
    seconds = groups.seconds(results, [number + _OWN for number in counts])
    found = [Applied(one.name, number, took) for one, number, took in zip(files, counts, seconds, strict=True)]
    return found, of_row(results)


_OWN: Final = 2  # statements behind each file: the ledger's row and the digest's


def _text(database: Database, migration: Migration) -> str:
    """The file as wrangler sends it, its row, and what it was."""
    record = record_sql(database.table, migration.name)
    return "\n".join((migration.sql, record, digest_sql(migration.name, migration.digest)))


def _one(
    client: Client, database: Database, migration: Migration, before: Shape, *, probe: bool
) -> tuple[Applied, Shape]:
    if sql.unclosed(migration.sql):
        raise Failed(
            f"migration {migration.name} ends inside a comment or a quote: its own row would be lost in it",
            where=f"database {database.name or database.id}",
            next=f"close it in {migration.path.name}, then repeat the command",
        )
    started = client.clock.monotonic()
    statements = sql.statements(migration.sql)
    text = _text(database, migration)

    def applied(results: Sequence[Row] = ()) -> Applied:
        took = groups.seconds(results, [len(results)])[0] if results else client.clock.monotonic() - started
        return Applied(migration.name, len(statements), took)

    for last in (False, False, True):
        try:
            results = d1.write(client, database.id, f"{text}\n{SHAPE_SQL}")
        except InDoubt:
            if migration.name in state.read(client, database).applied:
                return applied(), shape(client, database)
            if last:
                raise
        except ApiError as error:
            if migration.name in state.read(client, database).applied:
                return applied(), shape(client, database)  # another run applied it in between
            raise explain(client, database, migration, statements, error, before, probe=probe) from error
        else:
            return applied(results), of_row(results)
    raise AssertionError("unreachable")
