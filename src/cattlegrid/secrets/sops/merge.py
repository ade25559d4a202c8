"""Three versions of one file, merged name by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cattlegrid.errors import StoreError
from cattlegrid.secrets.store import RESERVED

Tree = Mapping[str, object]

RECIPIENTS: Final = f"{RESERVED}RECIPIENTS"
OWN_KEY: Final = f"{RESERVED}OWN_KEY"
SINCE: Final = "_set_unencrypted"


class Side(StrEnum):
    """As git names the three."""

    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True)
class Result:
    """`conflicts` are names that both sides changed, each its own way, and that nobody chose."""

    tree: Tree = field(repr=False)
    from_ours: tuple[str, ...]
    from_theirs: tuple[str, ...]
    conflicts: tuple[str, ...]


def merged(base: Tree | None, ours: Tree | None, theirs: Tree | None, chosen: Mapping[str, Side]) -> Result:
    """Raises StoreError when a side is another store: a file made anew by somebody who could not open the old one."""
    sides = {Side.BASE: base or {}, Side.OURS: ours or {}, Side.THEIRS: theirs or {}}
    keys = {str(side.get(OWN_KEY)) for side in sides.values() if side}
    if len(keys) > 1:
        raise StoreError("the sides are not the same store: one was made anew", next="git log -- secrets")
    names = [name for name in dict.fromkeys(n for side in sides.values() for n in side) if not name.endswith(SINCE)]
    taken: dict[str, list[str]] = {Side.OURS: [], Side.THEIRS: []}
    tree: dict[str, object] = {}
    conflicts = []
    for name in sorted(names):
        if name == RECIPIENTS:
            tree[name] = _recipients(*(str(side.get(name) or "") for side in sides.values()))
            continue
        before, mine, other = (side.get(name) for side in sides.values())
        side = chosen.get(name) or _changed(before, mine, other)
        if side is None:
            conflicts.append(name)
            continue
        if sides[side].get(name) != before and side is not Side.BASE:
            taken[side].append(name)
        tree |= {key: sides[side][key] for key in (name, name + SINCE) if key in sides[side]}
    return Result(tree, tuple(taken[Side.OURS]), tuple(taken[Side.THEIRS]), tuple(conflicts))


def _changed(before: object, mine: object, other: object) -> Side | None:
    if other in (mine, before):
        return Side.OURS
    return Side.THEIRS if mine == before else None


def _recipients(before: str, mine: str, other: str) -> str:
    """Whoever either side added is in; whoever either side removed is out."""
    old, ours, theirs = before.splitlines(), mine.splitlines(), other.splitlines()
    kept = [line for line in ours if line in theirs or line not in old]
    return "\n".join([*kept, *(line for line in theirs if line not in ours and line not in old)])
