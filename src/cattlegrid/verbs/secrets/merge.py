"""`secrets merge`: a file that git could not merge, merged name by name from the three versions that git keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cattlegrid.errors import MissingCredential, Refused, UsageError
from cattlegrid.git import repository as git
from cattlegrid.model.environment import Environment
from cattlegrid.secrets.sops.merge import Side, merged
from cattlegrid.secrets.sops.store import SopsStore
from cattlegrid.secrets.store import sops
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.scope import scoped

_STAGES = {Side.BASE: "1", Side.OURS: "2", Side.THEIRS: "3"}


@dataclass(frozen=True)
class Merged:
    """Names only: `from_ours` and `from_theirs` changed on one side, `chosen` on both, as `--ours`/`--theirs` said."""

    place: str
    from_ours: tuple[str, ...]
    from_theirs: tuple[str, ...]
    chosen: tuple[str, ...]


def merge(
    edge: Edge,
    environment: Environment,
    *,
    ours: tuple[str, ...] = (),
    theirs: tuple[str, ...] = (),
    venture: str = "",
) -> Merged:
    """Write the merged file. Raises Refused with the names that both sides changed and nobody chose.

    Raises UsageError when git has no conflict in the file, MissingCredential when a side cannot be opened here.
    """
    fleet = scoped(edge, venture, environment)
    store = sops(fleet, environment, edge.environ, edge.ask)
    repository = git.find(fleet.root, edge.environ)
    sides = {side: _side(repository, fleet.root, store, number) for side, number in _STAGES.items()}
    opened = {side: store.opened_text(text) if text else None for side, text in sides.items()}
    if not sides[Side.OURS] or not sides[Side.THEIRS]:
        raise UsageError(f"git has no conflict in {store.place}", next="git status")
    closed = [side for side, text in sides.items() if text and opened[side] is None]
    if closed:
        raise MissingCredential(f"the version of {closed[0]} cannot be opened here", where=store.place)
    chosen = {**dict.fromkeys(ours, Side.OURS), **dict.fromkeys(theirs, Side.THEIRS)}
    result = merged(opened[Side.BASE], opened[Side.OURS], opened[Side.THEIRS], chosen)
    if result.conflicts:
        raise Refused(
            f"both sides changed {', '.join(result.conflicts)}",
            where=store.place,
            next=f"cattlegrid secrets merge --env {environment} --ours {result.conflicts[0]}   (or --theirs)",
        )
    store.write_merged(result.tree, edge.clock.now())
    return Merged(store.place, result.from_ours, result.from_theirs, tuple(sorted(chosen)))


def _side(repository: git.Repository, root: Path, store: SopsStore, number: str) -> str:
    """The text of the file in one stage of git's index; empty when it has none."""
    path = (root / store.place).relative_to(repository.root).as_posix()
    found = git.git(repository, "show", f":{number}:{path}")
    return found.out if found.code == 0 else ""
