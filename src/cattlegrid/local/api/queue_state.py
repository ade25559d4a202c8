"""Queues and their consumers as rows; the messages are the runtime's."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cattlegrid.local.scripts import now
from cattlegrid.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS queues (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL, modified TEXT NOT NULL,
    settings TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS consumers (
    id TEXT PRIMARY KEY, queue TEXT NOT NULL REFERENCES queues (id) ON DELETE CASCADE, script TEXT NOT NULL,
    dead_letter_queue TEXT, settings TEXT NOT NULL, created TEXT NOT NULL
);
""")


@dataclass(frozen=True)
class Queue:
    id: str
    name: str
    created: str
    modified: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Consumer:
    id: str
    queue: str
    script: str
    dead_letter_queue: str | None
    settings: Mapping[str, Any]
    created: str


def add(db: sqlite3.Connection, name: str, settings: Mapping[str, Any]) -> Queue:
    """Raises sqlite3.IntegrityError when there is a queue of that name."""
    moment = now()
    one = Queue(uuid.uuid4().hex, name, moment, moment, settings)
    with db:
        db.execute(
            "INSERT INTO queues VALUES (?, ?, ?, ?, ?)", (one.id, name, moment, moment, json.dumps(dict(settings)))
        )
    return one


def named(db: sqlite3.Connection, name: str) -> Queue | None:
    row = db.execute("SELECT * FROM queues WHERE name = ?", (name,)).fetchone()
    return _queue(row) if row else None


def find(db: sqlite3.Connection, identifier: str) -> Queue | None:
    row = db.execute("SELECT * FROM queues WHERE id = ?", (identifier,)).fetchone()
    return _queue(row) if row else None


def all_queues(db: sqlite3.Connection) -> list[Queue]:
    return [_queue(row) for row in db.execute("SELECT * FROM queues ORDER BY rowid")]


def configure(db: sqlite3.Connection, identifier: str, settings: Mapping[str, Any]) -> None:
    with db:
        db.execute(
            "UPDATE queues SET settings = ?, modified = ? WHERE id = ?", (json.dumps(dict(settings)), now(), identifier)
        )


def remove(db: sqlite3.Connection, identifier: str) -> None:
    with db:
        db.execute("DELETE FROM queues WHERE id = ?", (identifier,))


def consumers(db: sqlite3.Connection, queue: str | None = None) -> list[Consumer]:
    rows = db.execute("SELECT * FROM consumers WHERE ?1 IS NULL OR queue = ?1 ORDER BY rowid", (queue,))
    return [_consumer(row) for row in rows]


def keep_consumer(db: sqlite3.Connection, one: Consumer) -> None:
    row = (one.id, one.queue, one.script, one.dead_letter_queue, json.dumps(dict(one.settings)), one.created)
    with db:
        db.execute("INSERT OR REPLACE INTO consumers VALUES (?, ?, ?, ?, ?, ?)", row)


def remove_consumer(db: sqlite3.Connection, identifier: str) -> None:
    with db:
        db.execute("DELETE FROM consumers WHERE id = ?", (identifier,))


def forget_script(db: sqlite3.Connection, script: str) -> None:
    with db:
        db.execute("DELETE FROM consumers WHERE script = ?", (script,))


def _queue(row: tuple[Any, ...]) -> Queue:
    return Queue(row[0], row[1], row[2], row[3], json.loads(row[4]))


def _consumer(row: tuple[Any, ...]) -> Consumer:
    return Consumer(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5])
