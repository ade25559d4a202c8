"""Migration files as wrangler sees them: which files, in which order, with which content."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.errors import Failed
from cattlegrid.git.paths import glob_pattern
from cattlegrid.model.target import Database


@dataclass(frozen=True)
class Migration:
    """`name` is what wrangler writes into the migrations table; `digest` the SHA-256 of the file."""

    name: str
    path: Path
    digest: str

    @classmethod
    def of(cls, path: Path, name: str) -> Migration:
        return cls(name, path, hashlib.sha256(path.read_bytes()).hexdigest())

    @property
    def sql(self) -> str:
        """The file's text with its own line ends, as wrangler sends it. Raises Failed when it is not UTF-8."""
        try:
            return self.path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Failed(f"is not UTF-8 (byte {error.start})", where=str(self.path)) from error

    @property
    def number(self) -> int | None:
        """The number that the name begins with; None without one."""
        return _order(self.name)[0][1] if not _order(self.name)[0][0] else None


def read(database: Database) -> tuple[Migration, ...]:
    """The database's migrations in the order in which wrangler applies them; none without a folder."""
    if database.migrations is None:
        return ()
    return migrations_in(database.migrations, database.pattern)


def migrations_in(folder: Path, pattern: str = "*.sql") -> tuple[Migration, ...]:
    """The files of `folder` that `pattern` chooses. Source of the order: wrangler 4.164.0, workers-utils
    d1-migrations.ts: by the number before the first `_`, files without a number last, then by name.
    """
    chosen = glob_pattern(pattern)
    names = [name for name in _files(folder) if chosen.fullmatch(name)]
    return tuple(Migration.of(folder / name, name) for name in sorted(names, key=_order))


def _files(folder: Path) -> list[str]:
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        prefix = Path(here).relative_to(folder).as_posix()
        found += [name if prefix == "." else f"{prefix}/{name}" for name in files if not name.startswith(".")]
    return found


def _order(name: str) -> list[tuple[bool, int, str]]:
    return [_segment_order(segment) for segment in name.split("/")]


def _segment_order(segment: str) -> tuple[bool, int, str]:
    number = re.match(r"\s*([+-]?\d+)", segment.split("_", 1)[0])
    return (number is None, int(number[1]) if number else 0, segment)
