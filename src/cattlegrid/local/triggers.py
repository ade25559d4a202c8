"""What reaches a Worker besides its workers.dev address: routes, custom domains, cron schedules."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from cattlegrid.local.scripts import now
from cattlegrid.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS routes (
    id TEXT PRIMARY KEY, zone TEXT NOT NULL, pattern TEXT NOT NULL UNIQUE, script TEXT
);
CREATE TABLE IF NOT EXISTS domains (
    id TEXT PRIMARY KEY, hostname TEXT NOT NULL UNIQUE, zone TEXT NOT NULL, script TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS schedules (
    script TEXT NOT NULL, cron TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL, PRIMARY KEY (script, cron)
);
""")


@dataclass(frozen=True)
class Route:
    id: str
    zone: str
    pattern: str
    script: str | None


@dataclass(frozen=True)
class Domain:
    id: str
    hostname: str
    zone: str
    script: str


@dataclass(frozen=True)
class Schedule:
    script: str
    cron: str
    created: str
    modified: str


def zone_of(host: str) -> str:
    """The registrable name, near enough: the last two labels. Every zone exists here, as if the user owned it."""
    return ".".join(host.split("/", maxsplit=1)[0].removeprefix("*").strip(".").split(".")[-2:])


def zone_id(zone: str) -> str:
    return hashlib.sha256(f"zone {zone}".encode()).hexdigest()[:32]


def zones(db: sqlite3.Connection) -> list[str]:
    """The zones that some route or custom domain has named."""
    rows = db.execute("SELECT zone FROM routes UNION SELECT zone FROM domains ORDER BY zone")
    return [str(row[0]) for row in rows]


def routes(db: sqlite3.Connection) -> list[Route]:
    return [Route(*row) for row in db.execute("SELECT * FROM routes ORDER BY rowid")]


def taken(db: sqlite3.Connection, patterns: Sequence[str], script: str) -> list[Route]:
    """Routes among `patterns` that belong to another Worker."""
    return [one for one in routes(db) if one.pattern in patterns and one.script not in {None, script}]


def set_routes(db: sqlite3.Connection, script: str, patterns: Sequence[tuple[str, str]]) -> list[Route]:
    """The script's routes become exactly these (pattern, zone)."""
    with db:
        db.execute("DELETE FROM routes WHERE script = ?", (script,))
        for pattern, zone in patterns:
            db.execute("INSERT OR REPLACE INTO routes VALUES (?, ?, ?, ?)", (uuid.uuid4().hex, zone, pattern, script))
    return [one for one in routes(db) if one.script == script]


def add_route(db: sqlite3.Connection, zone: str, pattern: str, script: str | None) -> Route:
    """Raises sqlite3.IntegrityError when the pattern is taken."""
    one = Route(uuid.uuid4().hex, zone, pattern, script)
    with db:
        db.execute("INSERT INTO routes VALUES (?, ?, ?, ?)", (one.id, zone, pattern, script))
    return one


def remove_route(db: sqlite3.Connection, identifier: str) -> bool:
    with db:
        return db.execute("DELETE FROM routes WHERE id = ?", (identifier,)).rowcount > 0


def domains(db: sqlite3.Connection) -> list[Domain]:
    return [Domain(*row) for row in db.execute("SELECT * FROM domains ORDER BY rowid")]


def set_domains(db: sqlite3.Connection, script: str, hostnames: Sequence[str], *, replace: bool) -> list[Domain]:
    with db:
        if replace:
            db.execute("DELETE FROM domains WHERE script = ?", (script,))
        for hostname in hostnames:
            row = (uuid.uuid4().hex, hostname, zone_of(hostname), script)
            db.execute("INSERT OR REPLACE INTO domains VALUES (?, ?, ?, ?)", row)
    return [one for one in domains(db) if one.script == script]


def remove_domain(db: sqlite3.Connection, identifier: str) -> bool:
    with db:
        return db.execute("DELETE FROM domains WHERE id = ?", (identifier,)).rowcount > 0


def schedules(db: sqlite3.Connection, script: str) -> list[Schedule]:
    return [Schedule(*row) for row in db.execute("SELECT * FROM schedules WHERE script = ? ORDER BY rowid", (script,))]


def set_schedules(db: sqlite3.Connection, script: str, crons: Sequence[str]) -> list[Schedule]:
    moment = now()
    with db:
        db.execute("DELETE FROM schedules WHERE script = ?", (script,))
        db.executemany(
            "INSERT OR IGNORE INTO schedules VALUES (?, ?, ?, ?)", [(script, c, moment, moment) for c in crons]
        )
    return schedules(db, script)


def forget(db: sqlite3.Connection, script: str) -> None:
    with db:
        for sql in ("routes", "domains", "schedules"):
            db.execute(f"DELETE FROM {sql} WHERE script = ?", (script,))  # noqa: S608 (fixed names)
