"""What a database says about itself: its tables, its environment marker, the migrations that were applied to it."""

from __future__ import annotations

from dataclasses import dataclass

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.target import Database

MARKER_TABLE = "_cattlegrid"


@dataclass(frozen=True)
class DatabaseState:
    """`marker` is the environment written in it, None without one; `applied` in the order of application."""

    database: Database
    marker: str | None
    applied: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Nobody has made a table in it yet."""
        return not self.tables

    @property
    def newest(self) -> str | None:
        return self.applied[-1] if self.applied else None


def read(client: Client, database: Database) -> DatabaseState:
    found = d1.rows(client, database.id, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    names = {str(row["name"]) for row in found}
    wanted = {
        MARKER_TABLE: "SELECT value FROM _cattlegrid WHERE name = 'environment'",
        database.table: f"SELECT name FROM {quoted(database.table)} ORDER BY id",  # noqa: S608 - an identifier, quoted
    }
    asked = {table: sql for table, sql in wanted.items() if table in names}
    answers = d1.selects(client, database.id, ";\n".join(asked.values())) if asked else []
    rows = dict(zip(asked, answers, strict=True))
    marker = [str(row["value"]) for row in rows.get(MARKER_TABLE, [])]
    return DatabaseState(
        database=database,
        marker=marker[0] if marker else None,
        applied=tuple(str(row["name"]) for row in rows.get(database.table, [])),
        tables=tuple(sorted(name for name in names if name not in wanted and not name.startswith(("sqlite_", "_cf_")))),
    )


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
