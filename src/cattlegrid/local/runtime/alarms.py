"""Alarms of Durable Objects whose Worker sleeps: workerd rings them only while the process that owns them runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path


def earliest(actors: Path, namespaces: Iterable[str]) -> float | None:
    """When the first alarm is due, in seconds since 1970; None when none is set. Read from workerd's own file."""
    due = [moment for namespace in namespaces if (moment := _first(actors / namespace / "metadata.sqlite")) is not None]
    return min(due, default=None)


def _first(file: Path) -> float | None:
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        (nanoseconds,) = db.execute("SELECT min(scheduled_time) FROM _cf_ALARM").fetchone()
        return None if nanoseconds is None else nanoseconds / 1e9
    return None
