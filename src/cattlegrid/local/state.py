"""What the local Cloudflare remembers: one SQLite file, and a folder of blobs named by their content."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

_TABLES: list[str] = []
# Counted up when a state written by this release could not be read, or would be damaged, by the one before.
_FORMAT = 1
_LITTLE = 1 << 16
NO_ROOM = "The disk that holds the local Cloudflare's state is full: free space, then repeat"


class StateRefused(Exception):
    """The state folder holds what this release cannot work with; the text says what and where."""


@dataclass(frozen=True)
class State:
    """`db` is used from the event loop's thread only; a change ends with `commit` or stands in `with db:`."""

    folder: Path
    db: sqlite3.Connection

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    def keep(self, content: bytes) -> str:
        """Stores the bytes and returns their SHA-256; the file is whole or absent. Raises OSError on a full disk."""
        name = hashlib.sha256(content).hexdigest()
        if not self.blob(name).is_file():
            self.blobs.mkdir(exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=self.blobs)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(beside).rename(self.blob(name))
            finally:
                with contextlib.suppress(FileNotFoundError):
                    Path(beside).unlink()
        return name

    def blob(self, name: str) -> Path:
        return self.blobs / name

    def no_room(self) -> bool:
        return shutil.disk_usage(self.folder).free < _LITTLE

    def close(self) -> None:
        self.db.close()


def disk_full(error: Exception) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def tables(sql: str) -> None:
    """Adds `CREATE TABLE IF NOT EXISTS …` statements; called when a module of `local/api` is imported."""
    if sql not in _TABLES:
        _TABLES.append(sql)


def open_state(folder: Path) -> State:
    """Raises StateRefused for the state of a newer release, sqlite3.DatabaseError for a damaged file."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    db = sqlite3.connect(folder / "control.sqlite")
    db.row_factory = None
    (written,) = db.execute("PRAGMA user_version").fetchone()
    if written > _FORMAT:
        db.close()
        message = f"{folder} was written by a newer cattlegrid (format {written}; this one reads up to {_FORMAT})"
        raise StateRefused(f"{message}: install that one again, or use another --state")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    for sql in _TABLES:
        db.executescript(sql)
    db.execute(f"PRAGMA user_version = {_FORMAT}")
    db.commit()
    (folder / "control.sqlite").chmod(0o600)
    return State(folder, db)
