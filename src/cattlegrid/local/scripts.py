"""Workers as the control plane remembers them: scripts, their numbered versions, their deployments."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cattlegrid.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS scripts (
    name TEXT PRIMARY KEY, tag TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL,
    migration_tag TEXT, subdomain INTEGER NOT NULL, previews INTEGER NOT NULL, settings TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS versions (
    id TEXT PRIMARY KEY, script TEXT NOT NULL REFERENCES scripts (name) ON DELETE CASCADE, number INTEGER NOT NULL,
    created TEXT NOT NULL, source TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (script, number)
);
CREATE TABLE IF NOT EXISTS deployments (
    id TEXT PRIMARY KEY, script TEXT NOT NULL REFERENCES scripts (name) ON DELETE CASCADE, created TEXT NOT NULL,
    source TEXT NOT NULL, annotations TEXT NOT NULL, traffic TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deployments_of_script ON deployments (script);
""")


@dataclass(frozen=True)
class Script:
    """`tag` is Cloudflare's unchanging identity of the Worker, not a version's tag. `settings` are not versioned."""

    name: str
    tag: str
    created: str
    modified: str
    migration_tag: str | None = None
    subdomain: bool = False
    previews: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredModule:
    name: str
    content_type: str
    blob: str
    size: int


@dataclass(frozen=True)
class Content:
    """What a version is made of. `bindings` are in API form and complete, secrets with their text.

    `assets` is {"manifest": {path: {"hash", "size", "type"}}, "config": {…}} or None.
    """

    main_module: str | None
    modules: tuple[StoredModule, ...]
    bindings: tuple[Mapping[str, Any], ...]
    compatibility_date: str
    compatibility_flags: tuple[str, ...]
    etag: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    handlers: tuple[str, ...] = ()
    startup_time_ms: int = 0
    assets: Mapping[str, Any] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    placement: Mapping[str, Any] = field(default_factory=dict)
    usage_model: str = "standard"
    migration_tag: str | None = None


@dataclass(frozen=True)
class Version:
    id: str
    script: str
    number: int
    created: str
    source: str
    content: Content


@dataclass(frozen=True)
class Share:
    version_id: str
    percentage: float


@dataclass(frozen=True)
class Deployment:
    id: str
    script: str
    created: str
    source: str
    annotations: Mapping[str, str]
    traffic: tuple[Share, ...]


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def create(db: sqlite3.Connection, name: str) -> Script:
    """A Worker without a version. Previews are on, as for every new Worker."""
    moment = now()
    script = Script(name, uuid.uuid4().hex, moment, moment, previews=True)
    save(db, script)
    return script


def save(db: sqlite3.Connection, script: Script) -> None:
    row = (
        script.name,
        script.tag,
        script.created,
        script.modified,
        script.migration_tag,
        script.subdomain,
        script.previews,
        json.dumps(dict(script.settings)),
    )
    update = "tag=excluded.tag, modified=excluded.modified, migration_tag=excluded.migration_tag, "
    update += "subdomain=excluded.subdomain, previews=excluded.previews, settings=excluded.settings"
    sql = f"INSERT INTO scripts VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET {update}"  # noqa: S608 (fixed text)
    with db:
        db.execute(sql, row)


def find(db: sqlite3.Connection, name: str) -> Script | None:
    row = db.execute("SELECT * FROM scripts WHERE name = ?", (name,)).fetchone()
    return _script(row) if row else None


def all_scripts(db: sqlite3.Connection) -> list[Script]:
    return [_script(row) for row in db.execute("SELECT * FROM scripts ORDER BY name")]


def remove(db: sqlite3.Connection, name: str) -> None:
    with db:
        db.execute("DELETE FROM scripts WHERE name = ?", (name,))


def add_version(db: sqlite3.Connection, version: Version) -> None:
    with db:
        db.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)",
            (
                version.id,
                version.script,
                version.number,
                version.created,
                version.source,
                json.dumps(asdict(version.content)),
            ),
        )
        db.execute("UPDATE scripts SET modified = ? WHERE name = ?", (version.created, version.script))


def next_number(db: sqlite3.Connection, script: str) -> int:
    row = db.execute("SELECT coalesce(max(number), 0) + 1 FROM versions WHERE script = ?", (script,)).fetchone()
    return int(row[0])


def version(db: sqlite3.Connection, script: str, identifier: str) -> Version | None:
    row = db.execute("SELECT * FROM versions WHERE script = ? AND id = ?", (script, identifier)).fetchone()
    return _version(row) if row else None


def any_version(db: sqlite3.Connection, identifier: str) -> Version | None:
    row = db.execute("SELECT * FROM versions WHERE id = ?", (identifier,)).fetchone()
    return _version(row) if row else None


def versions(db: sqlite3.Connection, script: str) -> list[Version]:
    """Newest first."""
    rows = db.execute("SELECT * FROM versions WHERE script = ? ORDER BY number DESC", (script,))
    return [_version(row) for row in rows]


def latest(db: sqlite3.Connection, script: str) -> Version | None:
    row = db.execute("SELECT * FROM versions WHERE script = ? ORDER BY number DESC LIMIT 1", (script,)).fetchone()
    return _version(row) if row else None


def add_deployment(db: sqlite3.Connection, one: Deployment) -> None:
    traffic = json.dumps([[share.version_id, share.percentage] for share in one.traffic])
    row = (one.id, one.script, one.created, one.source, json.dumps(dict(one.annotations)), traffic)
    with db:
        db.execute("INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?)", row)


def deployments(db: sqlite3.Connection, script: str) -> list[Deployment]:
    """Newest first: the first one is what is served."""
    rows = db.execute("SELECT * FROM deployments WHERE script = ? ORDER BY rowid DESC", (script,))
    return [_deployment(row) for row in rows]


def current(db: sqlite3.Connection, script: str) -> Deployment | None:
    row = db.execute("SELECT * FROM deployments WHERE script = ? ORDER BY rowid DESC LIMIT 1", (script,)).fetchone()
    return _deployment(row) if row else None


def new_deployment(script: str, traffic: Sequence[Share], *, source: str, annotations: Mapping[str, str]) -> Deployment:
    return Deployment(str(uuid.uuid4()), script, now(), source, annotations, tuple(traffic))


def new_version(db: sqlite3.Connection, script: str, source: str, content: Content) -> Version:
    """Numbered, not yet stored."""
    return Version(str(uuid.uuid4()), script, next_number(db, script), now(), source, content)


def _script(row: tuple[Any, ...]) -> Script:
    name, tag, created, modified, migration_tag, subdomain, previews, settings = row
    return Script(name, tag, created, modified, migration_tag, bool(subdomain), bool(previews), json.loads(settings))


def _version(row: tuple[Any, ...]) -> Version:
    body = json.loads(row[5])
    content = Content(
        **{
            **body,
            "modules": tuple(StoredModule(**one) for one in body["modules"]),
            "bindings": tuple(body["bindings"]),
            "compatibility_flags": tuple(body["compatibility_flags"]),
            "handlers": tuple(body["handlers"]),
        }
    )
    return Version(row[0], row[1], row[2], row[3], row[4], content)


def _deployment(row: tuple[Any, ...]) -> Deployment:
    traffic = tuple(Share(version_id, percentage) for version_id, percentage in json.loads(row[5]))
    return Deployment(row[0], row[1], row[2], row[3], json.loads(row[4]), traffic)
