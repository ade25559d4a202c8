"""The names of R2 buckets; the objects in them are the simulator's own."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cattlegrid.local.state import tables

tables(
    """
CREATE TABLE IF NOT EXISTS r2_buckets (
    account TEXT NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL, location TEXT NOT NULL,
    jurisdiction TEXT NOT NULL, storage_class TEXT NOT NULL, PRIMARY KEY (account, name)
);
"""
)


@dataclass(frozen=True)
class Bucket:
    """`created` is ISO time, `jurisdiction` is `default` when none was asked for."""

    account: str
    name: str
    created: str
    location: str
    jurisdiction: str
    storage_class: str


def add(db: sqlite3.Connection, bucket: Bucket) -> None:
    """Raises sqlite3.IntegrityError when the account has a bucket of that name."""
    with db:
        db.execute(
            "INSERT INTO r2_buckets VALUES (?, ?, ?, ?, ?, ?)",
            (bucket.account, bucket.name, bucket.created, bucket.location, bucket.jurisdiction, bucket.storage_class),
        )


def find(db: sqlite3.Connection, account: str, name: str) -> Bucket | None:
    row = db.execute("SELECT * FROM r2_buckets WHERE account = ? AND name = ?", (account, name)).fetchone()
    return Bucket(*row) if row else None


def of_account(db: sqlite3.Connection, account: str) -> list[Bucket]:
    rows = db.execute("SELECT * FROM r2_buckets WHERE account = ? ORDER BY name", (account,))
    return [Bucket(*row) for row in rows]


def store_as(db: sqlite3.Connection, bucket: Bucket, storage_class: str) -> None:
    with db:
        db.execute(
            "UPDATE r2_buckets SET storage_class = ? WHERE account = ? AND name = ?",
            (storage_class, bucket.account, bucket.name),
        )


def remove(db: sqlite3.Connection, bucket: Bucket) -> None:
    with db:
        db.execute("DELETE FROM r2_buckets WHERE account = ? AND name = ?", (bucket.account, bucket.name))
