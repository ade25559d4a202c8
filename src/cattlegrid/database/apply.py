"""Applying migrations as wrangler does: its table, its order, the file and its ledger row in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client, InDoubt
from cattlegrid.database import state
from cattlegrid.database.marker import mark, refuse_foreign
from cattlegrid.database.migrations import Migration
from cattlegrid.database.state import DatabaseState, quoted
from cattlegrid.errors import ApiError, Failed
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database


@dataclass(frozen=True)
class DatabasePlan:
    """What a database needs: its marker, and the migrations that its ledger does not name, in order.

    `unknown` are names in the ledger without a file.
    """

    database: Database
    mark: bool
    pending: tuple[Migration, ...]
    unknown: tuple[str, ...]
    applied: tuple[str, ...]

    @property
    def newest(self) -> str | None:
        """The newest migration in the ledger once the plan has run."""
        return self.pending[-1].name if self.pending else self.applied[-1] if self.applied else None

    @property
    def needed(self) -> bool:
        return self.mark or bool(self.pending)


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
    )


def run(client: Client, planned: DatabasePlan, environment: Environment) -> tuple[str, ...]:
    """Do what the plan says, after looking at the marker once more. The names that were applied.

    Raises Refused for another environment's database, Failed with the file's name when SQL is wrong; the migrations
    before that one stay applied, the failed one left nothing.
    """
    if not planned.needed:
        return ()
    database = planned.database
    refuse_foreign(state.read(client, database), environment)
    if planned.mark:
        mark(client, database, environment)
    if planned.pending:
        d1.ensure(client, database.id, _ledger_sql(database.table))
    for migration in planned.pending:
        _one(client, database, migration)
    return tuple(migration.name for migration in planned.pending)


def _one(client: Client, database: Database, migration: Migration) -> None:
    name = migration.name.replace("'", "''")
    sql = f"{migration.sql}\nINSERT INTO {quoted(database.table)} (name)\nvalues ('{name}');"
    for last in (False, False, True):
        try:
            d1.write(client, database.id, sql)
        except InDoubt:
            if migration.name in state.read(client, database).applied:
                return
            if last:
                raise
        except ApiError as error:
            if migration.name in state.read(client, database).applied:
                return  # another run applied it in between
            raise Failed(
                f"migration {migration.name} failed and left nothing behind: {error.what}",
                where=f"database {database.name or database.id}",
                next=f"mend {migration.path.name}, then repeat the command",
            ) from error
        else:
            return


def _ledger_sql(table: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {quoted(table)}(\n"
        "\tid         INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "\tname       TEXT UNIQUE,\n"
        "\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL\n);"
    )
