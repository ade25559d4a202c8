"""What a database really holds, read by SQLite itself, so that two of them can be compared bit for bit."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path


def content(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """By table: every row with its row id, each value with its kind; reals as their eight bytes, text as bytes."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        db.text_factory = bytes
        found = {}
        for raw_name, wr in db.execute(
            "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')"
        ):
            name = raw_name.decode()
            if name.startswith(("_cf_", "_cattlegrid", "sqlite_stat", "sqlite_schema")):
                continue
            quoted = '"' + name.replace('"', '""') + '"'
            rowid = "" if wr else "rowid, "
            rows = [tuple(map(_bits, row)) for row in db.execute(f"SELECT {rowid}* FROM {quoted}")]
            found[name] = sorted(rows, key=repr)
        return found


def structure(file: Path) -> list[str]:
    """Every statement of the schema, but for FTS5's own tables."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        shadows = {name for (name,) in db.execute("SELECT name FROM pragma_table_list WHERE type = 'shadow'")}
        rows = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name, sql").fetchall()
        return [sql for name, sql in rows if name not in shadows and not name.startswith(("_c", "sqlite_"))]


def _bits(value: object) -> object:
    if isinstance(value, float):
        return ("real", struct.pack("<d", value))
    return (type(value).__name__, value)
