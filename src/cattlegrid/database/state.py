"""What a database says about itself: its tables, its environment marker, the migrations that were applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.target import Database

MARKER_TABLE = "_cattlegrid"
DIGEST_PREFIX = "migration:"


@dataclass(frozen=True)
class DatabaseState:
    """`marker` is the environment written in it, None without one; `applied` in the order of application.

    `digests` are those of the files that cattlegrid applied, by name: written into `_cattlegrid` with the ledger's row.
    """

    database: Database
    marker: str | None
    applied: tuple[str, ...]
    tables: tuple[str, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    has_ledger: bool = True

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
        MARKER_TABLE: "SELECT name, value FROM _cattlegrid",
        database.table: f"SELECT name FROM {quoted(database.table)} ORDER BY id",  # noqa: S608 - an identifier, quoted
    }
    asked = {table: sql for table, sql in wanted.items() if table in names}
    answers = d1.selects(client, database.id, ";\n".join(asked.values())) if asked else []
    rows = dict(zip(asked, answers, strict=True))
    notes = {str(row["name"]): str(row["value"]) for row in rows.get(MARKER_TABLE, [])}
    return DatabaseState(
        database=database,
        marker=notes.get("environment"),
        applied=tuple(str(row["name"]) for row in rows.get(database.table, [])),
        tables=tuple(sorted(name for name in names if name not in wanted and not name.startswith(("sqlite_", "_cf_")))),
        digests={
            name.removeprefix(DIGEST_PREFIX): value for name, value in notes.items() if name.startswith(DIGEST_PREFIX)
        },
        has_ledger=database.table in names,
    )


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
