"""The environment marker: one row that says which environment a database belongs to."""

from __future__ import annotations

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.database.state import MARKER_TABLE, DatabaseState
from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database


def mark_sql(environment: Environment) -> str:
    """Idempotent: an existing marker stays as it is."""
    return (
        f"CREATE TABLE IF NOT EXISTS {MARKER_TABLE} (name TEXT PRIMARY KEY, value TEXT NOT NULL);\n"
        f"INSERT OR IGNORE INTO {MARKER_TABLE} (name, value) VALUES ('environment', '{environment.value}');"
    )


def mark(client: Client, database: Database, environment: Environment) -> None:
    """Write the marker into a database that has none."""
    d1.ensure(client, database.id, mark_sql(environment))


def refuse_another(state: DatabaseState, environment: Environment) -> None:
    """Raises Refused when the database carries the other environment's marker."""
    if state.marker not in (None, environment.value):
        raise Refused(
            f"database {state.database.name or state.database.id} belongs to {state.marker}: its marker says so;"
            " nothing was written to it",
            where=f"binding {state.database.binding}",
            next="correct database_id in the wrangler file",
        )


def refuse_foreign(state: DatabaseState, environment: Environment) -> None:
    """Raises Refused unless the database carries this environment's marker, or is empty and can be given it."""
    refuse_another(state, environment)
    if state.marker is None and (not state.empty or state.applied):
        raise Refused(
            f"database {state.database.name or state.database.id} has tables and no environment marker: whose it is"
            " cannot be told",
            where=f"binding {state.database.binding}",
            next=f"when it is {environment}'s: cattlegrid migrate adopt --env {environment}",
        )
