"""Durable Object namespaces, and the migrations that make, rename and delete their classes."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cattlegrid.local.envelope import ApiError
from cattlegrid.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS actors (
    id TEXT PRIMARY KEY, script TEXT NOT NULL, class_name TEXT NOT NULL, sqlite INTEGER NOT NULL,
    UNIQUE (script, class_name)
);
""")


@dataclass(frozen=True)
class Namespace:
    id: str
    script: str
    class_name: str
    sqlite: bool


def find(db: sqlite3.Connection, script: str, class_name: str) -> Namespace | None:
    row = db.execute("SELECT * FROM actors WHERE script = ? AND class_name = ?", (script, class_name)).fetchone()
    return _namespace(row) if row else None


def of_script(db: sqlite3.Connection, script: str) -> tuple[Namespace, ...]:
    return tuple(
        _namespace(row) for row in db.execute("SELECT * FROM actors WHERE script = ? ORDER BY rowid", (script,))
    )


def all_namespaces(db: sqlite3.Connection) -> list[Namespace]:
    return [_namespace(row) for row in db.execute("SELECT * FROM actors ORDER BY rowid")]


def write(
    db: sqlite3.Connection, script: str, before: Sequence[Namespace], after: Sequence[Namespace], tag: str | None
) -> None:
    """The classes and the tag of the migration that made them, both or neither: a tag alone could never be mended."""
    with db:
        db.execute("UPDATE scripts SET migration_tag = ? WHERE name = ?", (tag, script))
        db.executemany("DELETE FROM actors WHERE id = ?", [(one.id,) for one in before])
        db.executemany(
            "INSERT INTO actors VALUES (?, ?, ?, ?)",
            [(one.id, one.script, one.class_name, one.sqlite) for one in after],
        )


def migrated(
    db: sqlite3.Connection, script: str, tag: str | None, migrations: Mapping[str, Any]
) -> tuple[tuple[Namespace, ...], str | None]:
    """The namespaces and migration tag after `migrations`; nothing is written.

    Raises ApiError 10079 when `old_tag` is not the script's tag, 10074 for a class that exists and 10063 for one
    that does not.
    """
    old_tag = migrations.get("old_tag")
    if old_tag != tag and (old_tag or tag):
        message = f"Migration tag precondition failed; current tag is {tag!r}, the upload expects {old_tag!r}"
        raise ApiError(412, 10079, message)
    spaces = {one.class_name: one for one in of_script(db, script)}
    steps = migrations.get("steps")
    for step in steps if steps is not None else [migrations]:
        _step(db, script, spaces, step)
    return tuple(spaces.values()), migrations.get("new_tag", tag)


def _step(db: sqlite3.Connection, script: str, spaces: dict[str, Namespace], step: Mapping[str, Any]) -> None:
    for field, sqlite in (("new_classes", False), ("new_sqlite_classes", True)):
        for name in step.get(field) or ():
            if name in spaces:
                message = (
                    f"Cannot apply new-class migration to class '{name}' that is already depended on by Durable Objects"
                )
                raise ApiError(400, 10074, message)
            spaces[name] = Namespace(uuid.uuid4().hex, script, name, sqlite)
    for rename in step.get("renamed_classes") or ():
        one = _existing(spaces, rename["from"], "renamed")
        spaces[rename["to"]] = replace(one, class_name=rename["to"])
    for name in step.get("deleted_classes") or ():
        _existing(spaces, name, "deleted")
    for move in step.get("transferred_classes") or ():
        source = find(db, move["from_script"], move["from"])
        if source is None:
            raise _missing(move["from"], "transferred")
        spaces[move["to"]] = Namespace(source.id, script, move["to"], source.sqlite)


def _existing(spaces: dict[str, Namespace], name: str, deed: str) -> Namespace:
    if name not in spaces:
        raise _missing(name, deed)
    return spaces.pop(name)


def _missing(name: str, deed: str) -> ApiError:
    return ApiError(400, 10063, f"Cannot apply {deed}_classes migration to non-existent class '{name}'")


def _namespace(row: tuple[Any, ...]) -> Namespace:
    return Namespace(row[0], row[1], row[2], bool(row[3]))
