"""The ledger: wrangler's own table of applied migrations, and the digests that cattlegrid keeps beside the marker."""

from __future__ import annotations

from cattlegrid.database.state import DIGEST_PREFIX, MARKER_TABLE, literal, quoted


def table_sql(table: str) -> str:
    """The table as wrangler 4.164.0 makes it; one that is there stays as it is."""
    return (
        f"CREATE TABLE IF NOT EXISTS {quoted(table)}(\n"
        "\tid         INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "\tname       TEXT UNIQUE,\n"
        "\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL\n);"
    )


def record_sql(table: str, name: str) -> str:
    """wrangler's row, in wrangler's words."""
    return f"INSERT INTO {quoted(table)} (name)\nvalues ({literal(name)});"


def digest_sql(name: str, digest: str) -> str:
    """What the file was when it was applied: the only way to see later that it was edited."""
    values = f"({literal(DIGEST_PREFIX + name)}, {literal(digest)})"
    return f"INSERT OR REPLACE INTO {MARKER_TABLE} (name, value) VALUES {values};"  # noqa: S608 - literals, quoted
