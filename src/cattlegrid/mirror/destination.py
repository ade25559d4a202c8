"""Where the copy goes: a new database beside staging's, which staging is switched to once all of it is verified; or
staging's own, in place, with a Time Travel bookmark as the way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Listed, Statement
from cattlegrid.errors import Refused
from cattlegrid.mirror import progress
from cattlegrid.mirror.engine import OnD1
from cattlegrid.mirror.staging import StagingWriter
from cattlegrid.model.target import Database

_MADE: Final = re.compile(r"(?P<base>.+)-mirror-\d{15}")


@dataclass(frozen=True)
class Switched:
    """One database that takes another's place in a wrangler file. `config` is relative to the fleet's root."""

    config: str
    old: Database
    new: Listed


def base(name: str) -> str:
    """A database's name without what a mirror added, short enough to add it again."""
    found = _MADE.fullmatch(name)
    return (found["base"] if found else name)[:40]


def stamped(name: str, what: str, now: datetime) -> str:
    """A name for a new database: `what` it is for, and when, to the millisecond, in the 64 characters of a name."""
    return f"{base(name)}-{what}-{f'{now:%y%m%d%H%M%S%f}'[:15]}"


def made(client: Client, name: str) -> list[Listed]:
    """The databases that mirrors of this one made, the newest first."""
    ours = base(name)
    found = [one for one in d1.listed(client, f"{ours}-mirror-") if _MADE.fullmatch(one.name)]
    return sorted((one for one in found if base(one.name) == ours), key=lambda one: one.name)[::-1]


def fresh(client: Client, staging: Database, now: datetime, mark: Callable[[Listed], None]) -> Listed:
    """The database that an interrupted mirror was filling, or a new one. `mark` writes staging's marker into it."""
    for one in made(client, staging.name):
        if one.id != staging.id and progress.read(OnD1(client, one.id, one.name)):
            return one
    new = d1.create(client, stamped(staging.name, "mirror", now))
    mark(new)
    d1.ensure(client, new.id, progress.CREATE[0].sql)
    return new


def undo(client: Client, writer: StagingWriter) -> str:
    """Where to return to: the bookmark that an interrupted run noted, or now. Raises Refused for another's database."""
    writer.write([Statement("SELECT 1")])
    left = progress.read(writer.engine)
    if left is not None and left[0].get("undo"):
        return left[0]["undo"]
    now = d1.bookmark(client, writer.engine.id)
    writer.write([*progress.CREATE, progress.note("undo", now)])
    return now


def drop_old(client: Client, staging: Database, into: Listed) -> tuple[str, ...]:
    """Drops, by name, what earlier mirrors made, but for the one that staging was on until now."""
    gone = []
    for one in made(client, staging.name):
        if one.id not in (into.id, staging.id):
            d1.drop(client, one.id)
            gone.append(one.name)
    return tuple(gone)


def switch(root: Path, all_of_them: Sequence[Switched]) -> tuple[str, ...]:
    """Writes the new databases into the wrangler files, as text: nothing else in them changes. The files."""
    for one in all_of_them:
        file = root / one.config
        text = file.read_text(encoding="utf-8")
        if one.old.id not in text:
            raise Refused(f"staging's database id {one.old.id} is not in the file", where=one.config)
        renamed = _renamed(text, one.old, one.new.name)
        file.write_text(renamed.replace(one.old.id, one.new.id), encoding="utf-8")
    return tuple(dict.fromkeys(one.config for one in all_of_them))


def _renamed(text: str, database: Database, name: str) -> str:
    """The `database_name` that stands nearest to this database's id becomes another one."""
    at = text.index(database.id)
    written = re.compile(rf"""(database_name["']?\s*[:=]\s*["'])({re.escape(database.name)})(?=["'])""")
    nearest = min(written.finditer(text), key=lambda found: abs(found.start() - at), default=None)
    return text if nearest is None else text[: nearest.start(2)] + name + text[nearest.end(2) :]
