"""Applying migrations as wrangler does: its table, its order, the file and its ledger row in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client, InDoubt
from cattlegrid.database import review, sql, state
from cattlegrid.database.failure import explain
from cattlegrid.database.ledger import digest_sql, record_sql, table_sql
from cattlegrid.database.marker import mark, refuse_foreign
from cattlegrid.database.migrations import Migration
from cattlegrid.database.review import Finding, Problem
from cattlegrid.database.shape import SHAPE_SQL, Shape, of_row, shape
from cattlegrid.database.state import DatabaseState
from cattlegrid.errors import ApiError
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
    """One file that was applied: how many statements, and the seconds it took, the way to Cloudflare included."""

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
    for migration in planned.pending:
        if migration.name in recorded:
            continue  # an earlier file of this run wrote this one's row into the ledger, as its author meant
        one, before = _one(client, database, migration, before, probe=environment is Environment.STAGING)
        ran.append(one)
        done(one)
        if database.table.lower() in sql.plain(migration.sql):
            recorded = set(state.read(client, database).applied)
    return tuple(ran)


def _one(
    client: Client, database: Database, migration: Migration, before: Shape, *, probe: bool
) -> tuple[Applied, Shape]:
    started = client.clock.monotonic()
    statements = sql.statements(migration.sql)
    text = "\n".join(
        (migration.sql, record_sql(database.table, migration.name), digest_sql(migration.name, migration.digest))
    )

    def applied() -> Applied:
        return Applied(migration.name, len(statements), client.clock.monotonic() - started)

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
            return applied(), of_row(results)
    raise AssertionError("unreachable")
