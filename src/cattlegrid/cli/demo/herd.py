"""Rows for the demo's production: a hundred thousand notes, with addresses that nobody should see in staging."""

from __future__ import annotations

from typing import Final

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.errors import Failed

NOTES: Final = 100_000
_SESSIONS: Final = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    " INSERT OR IGNORE INTO sessions (id, agent, title, started_at)"
    " SELECT 'session-' || i, 'claude', 'Ticket of customer ' || i, '2026-11-25T08:00:00Z' FROM n"
)
_NOTES: Final = (
    "WITH RECURSIVE n (i) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < CAST(?2 AS INTEGER))"
    " INSERT OR IGNORE INTO notes (id, session_id, body, written_at)"
    " SELECT 1000 + i, 'session-' || (1 + i % 1000), 'Call Ada Lovelace (ada.' || i || '@corp.io) back about order '"
    " || (i * 7919 % 1000003), '2026-11-25T09:00:00Z' FROM n"
)
_ONE: Final = "SELECT body FROM notes WHERE id = 1001"


def fill(client: Client, database: str) -> None:
    """Writes the rows into the database of this name: ten thousand notes a call, far from D1's 30 s."""
    there = _id(client, database)
    d1.batch(client, there, [Statement(_SESSIONS)], repeatable=True)
    for start in range(1, NOTES, 10_000):
        d1.batch(client, there, [Statement(_NOTES, (str(start), str(start + 9_999)))], repeatable=True)


def one_note(client: Client, database: str) -> str:
    """The text of the same note, whichever the environment."""
    return str(d1.rows(client, _id(client, database), _ONE)[0]["body"])


def _id(client: Client, database: str) -> str:
    found = d1.named(client, database)
    if found is None:
        raise Failed(f"there is no database {database}; the story needs it", next="cattlegrid demo")
    return found.id
