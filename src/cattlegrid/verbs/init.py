"""`init`: look at the repository, and write the shortest `cattlegrid.toml` that describes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cattlegrid.check.look import look
from cattlegrid.check.proposal import Choose, Found, Proposal, Standing, document, propose
from cattlegrid.check.repository import Caller, callers
from cattlegrid.errors import NotMeasured
from cattlegrid.git import repository as git
from cattlegrid.settings import FILE_NAME, load
from cattlegrid.verbs.edge import Edge
from cattlegrid.wrangler.edit.save import create


@dataclass(frozen=True)
class InitReport:
    """`text` is what was written to `path`, or would be; empty when there is a file already, which is never touched:
    then `new` are the Workers that it does not name yet. `callers` are the calls of wrangler that name no environment.
    """

    path: str
    proposal: Proposal
    taken: tuple[Found, ...]
    text: str
    written: bool
    new: tuple[Found, ...] = ()
    callers: tuple[Caller, ...] = ()


def init(edge: Edge, decide: Callable[[Found], bool], choose: Choose, *, dry_run: bool = False) -> InitReport:
    """`decide` is asked about each Worker that may or may not belong to the fleet; `choose` which of several names
    that wrangler's files have is an environment of ours, the empty text meaning that nobody says.

    Raises NotMeasured when there is no Worker, UsageError outside a repository, ConfigError for a `cattlegrid.toml`
    that is there and wrong.
    """
    repository = git.find(edge.cwd, edge.environ)
    root = _root(edge.cwd, repository.root)
    proposal = propose(root, repository, choose)
    if (root / FILE_NAME).is_file():
        known = {worker.folder for worker in load(root).workers}
        new = tuple(one for one in proposal.found if one.standing is not Standing.LEFT and one.folder not in known)
        return InitReport(FILE_NAME, proposal, (), "", written=False, new=new)
    taken = [
        one
        for one in proposal.found
        if one.standing is Standing.TAKEN or (one.standing is Standing.ASKED and decide(one))
    ]
    if not taken:
        raise NotMeasured(
            f"no Worker was found in {root}: no wrangler.toml, .json or .jsonc that belongs to one",
            next="go to the repository of your Workers, or write its first wrangler file",
        )
    text = document(proposal, taken)
    if not dry_run:
        create(root / FILE_NAME, FILE_NAME, text.encode(), git.own_folder(edge.cwd, edge.environ))
    report = InitReport(FILE_NAME, proposal, tuple(taken), text, written=not dry_run)
    if dry_run:
        return report
    found = callers(look(load(root)), repository)
    return replace(report, callers=tuple(one for one in found if one.environment is None))


def _root(cwd: Path, top: Path) -> Path:
    """Where the settings are, or would be: a folder that has them already, else the repository's top."""
    here = cwd.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder
        if folder == top:
            break
    return top
