"""What the control plane remembers of databases: their names, options, snapshots and uploaded import files."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cattlegrid.local.api.d1_bookmarks import Snapshot
from cattlegrid.local.state import tables

tables(
    """
CREATE TABLE IF NOT EXISTS d1_databases (
    uuid TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, created REAL NOT NULL,
    jurisdiction TEXT, region TEXT NOT NULL, replication TEXT NOT NULL, states INTEGER NOT NULL,
    UNIQUE (account, name)
);
CREATE TABLE IF NOT EXISTS d1_snapshots (
    uuid TEXT NOT NULL REFERENCES d1_databases (uuid) ON DELETE CASCADE, bookmark TEXT NOT NULL,
    since REAL NOT NULL, until REAL NOT NULL, seconds REAL NOT NULL, pinned INTEGER NOT NULL,
    PRIMARY KEY (uuid, bookmark)
);
CREATE TABLE IF NOT EXISTS d1_restores (
    uuid TEXT NOT NULL REFERENCES d1_databases (uuid) ON DELETE CASCADE, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS d1_imports (
    uuid TEXT PRIMARY KEY REFERENCES d1_databases (uuid) ON DELETE CASCADE, bookmark TEXT NOT NULL
);
"""
)


@dataclass(frozen=True)
class Database:
    """`created` in seconds since the epoch; `states` counts the states that got a bookmark."""

    uuid: str
    account: str
    name: str
    created: float
    jurisdiction: str | None
    region: str
    replication: str
    states: int


def add(db: sqlite3.Connection, database: Database) -> None:
    """Raises sqlite3.IntegrityError when the account has a database of that name."""
    db.execute(
        "INSERT INTO d1_databases VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            database.uuid,
            database.account,
            database.name,
            database.created,
            database.jurisdiction,
            database.region,
            database.replication,
            database.states,
        ),
    )
    db.commit()


def find(db: sqlite3.Connection, account: str, name_or_uuid: str) -> Database | None:
    row = db.execute(
        "SELECT * FROM d1_databases WHERE account = ? AND (uuid = ? OR name = ?)",
        (account, name_or_uuid, name_or_uuid),
    ).fetchone()
    return Database(*row) if row else None


def named(db: sqlite3.Connection, account: str, fragment: str) -> list[Database]:
    """The account's databases whose names contain `fragment`, newest first as Cloudflare lists them."""
    rows = db.execute(
        "SELECT * FROM d1_databases WHERE account = ? AND instr(name, ?) ORDER BY created DESC, uuid",
        (account, fragment),
    )
    return [Database(*row) for row in rows]


def replicate(db: sqlite3.Connection, uuid: str, mode: str) -> None:
    db.execute("UPDATE d1_databases SET replication = ? WHERE uuid = ?", (mode, uuid))
    db.commit()


def remove(db: sqlite3.Connection, uuid: str) -> None:
    db.execute("DELETE FROM d1_snapshots WHERE uuid = ?", (uuid,))
    db.execute("DELETE FROM d1_restores WHERE uuid = ?", (uuid,))
    db.execute("DELETE FROM d1_imports WHERE uuid = ?", (uuid,))
    db.execute("DELETE FROM d1_databases WHERE uuid = ?", (uuid,))
    db.commit()


def snapshots(db: sqlite3.Connection, uuid: str) -> list[Snapshot]:
    """Oldest first."""
    rows = db.execute(
        "SELECT bookmark, since, until, seconds, pinned FROM d1_snapshots WHERE uuid = ? ORDER BY bookmark", (uuid,)
    )
    return [Snapshot(bookmark, since, until, seconds, bool(pinned)) for bookmark, since, until, seconds, pinned in rows]


def keep(db: sqlite3.Connection, uuid: str, snapshot: Snapshot) -> None:
    """Adds the snapshot or writes down what has become known of it."""
    db.execute(
        "INSERT OR REPLACE INTO d1_snapshots VALUES (?, ?, ?, ?, ?, ?)",
        (uuid, snapshot.bookmark, snapshot.since, snapshot.until, snapshot.seconds, snapshot.pinned),
    )
    db.commit()


def next_state(db: sqlite3.Connection, uuid: str) -> int:
    """The number of the database's next state; never given twice."""
    (number,) = db.execute(
        "UPDATE d1_databases SET states = states + 1 WHERE uuid = ? RETURNING states", (uuid,)
    ).fetchone()
    db.commit()
    return int(number)


def forget(db: sqlite3.Connection, uuid: str, bookmark: str) -> None:
    db.execute("DELETE FROM d1_snapshots WHERE uuid = ? AND bookmark = ?", (uuid, bookmark))
    db.commit()


def importing(db: sqlite3.Connection, uuid: str, bookmark: str) -> None:
    """Writes down, before the first statement, where a database returns to when its import is not finished."""
    db.execute("INSERT OR REPLACE INTO d1_imports VALUES (?, ?)", (uuid, bookmark))
    db.commit()


def import_ended(db: sqlite3.Connection, uuid: str) -> None:
    db.execute("DELETE FROM d1_imports WHERE uuid = ?", (uuid,))
    db.commit()


def unfinished_imports(db: sqlite3.Connection) -> list[tuple[str, Snapshot]]:
    """Databases that were being imported into when the control plane was killed, and the states from before."""
    rows = db.execute("SELECT uuid, bookmark FROM d1_imports").fetchall()
    return [(uuid, one) for uuid, bookmark in rows for one in snapshots(db, uuid) if one.bookmark == bookmark]


def restores_since(db: sqlite3.Connection, uuid: str, moment: float) -> int:
    row = db.execute("SELECT count(*) FROM d1_restores WHERE uuid = ? AND at >= ?", (uuid, moment)).fetchone()
    return int(row[0])


def restored(db: sqlite3.Connection, uuid: str, moment: float) -> None:
    db.execute("INSERT INTO d1_restores VALUES (?, ?)", (uuid, moment))
    db.commit()
