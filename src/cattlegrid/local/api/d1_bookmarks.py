"""Time Travel's book-keeping: which snapshot stands for a moment, and which ones are kept. Pure.

A bookmark names the content it stands for, so two bookmarks are equal when nothing was written between them. The
first group counts the states of a database and makes bookmarks sort in time, as Cloudflare's do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

KEPT_SECONDS = 30 * 24 * 3600
KEPT_SNAPSHOTS = 48
_SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}")


@dataclass(frozen=True)
class Snapshot:
    """One state of a database. Times are seconds since the epoch.

    `since` is when the state came about as far as known, `until` the last moment at which it was seen to hold;
    `pinned` is a state that was handed out by bookmark.
    """

    bookmark: str
    since: float
    until: float
    seconds: float
    pinned: bool


class BookmarkError(Exception):
    """The bookmark or timestamp names no state that can be restored."""


def bookmark(number: int, pages: int, digest: str) -> str:
    """The bookmark of the database's `number`th state, `digest` being 32 hex digits of its content's hash."""
    return f"{number:08x}-{pages:08x}-{0:08x}-{digest}"


def number_of(name: str) -> int:
    return int(name[:8], 16)


def digest_of(name: str) -> str:
    return name[-32:]


def at_bookmark(snapshots: Sequence[Snapshot], name: str) -> Snapshot:
    if _SHAPE.fullmatch(name) is None:
        raise BookmarkError(f"bookmark '{name}' is not valid")
    for snapshot in snapshots:
        if snapshot.bookmark == name:
            return snapshot
    raise BookmarkError(f"bookmark '{name}' names no state of this database in the last 30 days")


def at_time(snapshots: Sequence[Snapshot], moment: float, *, now: float) -> Snapshot:
    """The state that held at `moment`; where writes followed each other too fast, the last one kept before it."""
    if moment > now:
        raise BookmarkError("timestamp must not be in the future")
    if moment < now - KEPT_SECONDS:
        raise BookmarkError("timestamp must be within the last 30 days")
    earlier = [one for one in snapshots if one.since <= moment]
    if not earlier:
        raise BookmarkError("timestamp is before this database was created")
    return max(earlier, key=lambda one: number_of(one.bookmark))


def is_due(last: Snapshot | None, *, now: float) -> bool:
    """Whether a write deserves a snapshot first: once a second, and never more than a twentieth of the time."""
    return last is None or now - last.until >= max(1.0, 20 * last.seconds)


def surplus(snapshots: Sequence[Snapshot], *, now: float) -> list[Snapshot]:
    """The snapshots to forget: those past 30 days, then, of too many, those whose neighbours in time are nearest.

    The newest is never forgotten, nor one that was handed out, before its 30 days are over.
    """
    ordered = sorted(snapshots, key=lambda one: number_of(one.bookmark))
    gone = [one for one in ordered[:-1] if one.until < now - KEPT_SECONDS]
    kept = [one for one in ordered if one not in gone]
    while len(kept) > KEPT_SNAPSHOTS:
        inner = [at for at in range(1, len(kept) - 1) if not kept[at].pinned]
        if not inner:
            break
        least = min(inner, key=lambda at: (kept[at + 1].since - kept[at - 1].since, at))
        gone.append(kept.pop(least))
    return gone
