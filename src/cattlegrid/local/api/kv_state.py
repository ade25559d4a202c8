"""The names of KV namespaces and R2 buckets; what is in them is the simulators' own."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cattlegrid.local.state import tables

tables(
    """
CREATE TABLE IF NOT EXISTS kv_namespaces (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, title TEXT NOT NULL, UNIQUE (account, title)
);
"""
)


@dataclass(frozen=True)
class Namespace:
    id: str
    account: str
    title: str


def add(db: sqlite3.Connection, namespace: Namespace) -> None:
    """Raises sqlite3.IntegrityError when the account has a namespace of that title."""
    with db:
        db.execute("INSERT INTO kv_namespaces VALUES (?, ?, ?)", (namespace.id, namespace.account, namespace.title))


def find(db: sqlite3.Connection, account: str, identifier: str) -> Namespace | None:
    row = db.execute("SELECT * FROM kv_namespaces WHERE account = ? AND id = ?", (account, identifier)).fetchone()
    return Namespace(*row) if row else None


def of_account(db: sqlite3.Connection, account: str) -> list[Namespace]:
    rows = db.execute("SELECT * FROM kv_namespaces WHERE account = ?", (account,))
    return [Namespace(*row) for row in rows]


def rename(db: sqlite3.Connection, identifier: str, title: str) -> None:
    """Raises sqlite3.IntegrityError when the account has a namespace of that title."""
    with db:
        db.execute("UPDATE kv_namespaces SET title = ? WHERE id = ?", (title, identifier))


def remove(db: sqlite3.Connection, identifier: str) -> None:
    with db:
        db.execute("DELETE FROM kv_namespaces WHERE id = ?", (identifier,))
