"""`workflow`: the GitHub workflow, written or compared, and whether GitHub guards what it relies on."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from cattlegrid import __version__
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.github import environments, workflow
from cattlegrid.github.workflow import Workflow
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.secrets.store import IDENTITY
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge

_REMOTE = re.compile(
    r"(?:https?://(?:[^/@]+@)?github\.com/|git@github\.com:|ssh://git@github\.com/)([^/]+/[^/]+?)(?:\.git)?/?$"
)


@dataclass(frozen=True)
class Choices:
    """`ci` is the name of the workflow whose success on `branch` starts this one."""

    ci: str = "CI"
    branch: str = "main"
    depth: int = 0


@dataclass(frozen=True)
class Written:
    """`difference` is a unified diff from what is there to what this version writes; empty when they are the same.

    `before` is False when there is no file yet.
    """

    path: Path
    text: str
    before: bool
    difference: str


def compare(edge: Edge, choices: Choices) -> Written:
    """What would be written, beside what is there. Raises UsageError outside of a repository, ConfigError."""
    fleet = load(edge.cwd)
    repository = git.find(fleet.root, edge.environ)
    wanted = workflow.text(
        Workflow(
            version=__version__,
            ci=choices.ci,
            branch=choices.branch,
            staging=fleet.environments[Environment.STAGING].token,
            production=fleet.environments[Environment.PRODUCTION].token,
            folder=fleet.root.relative_to(repository.root).as_posix(),
            depth=choices.depth,
            store=IDENTITY[fleet.secrets.store] if fleet.secrets.kinds() else (),
        )
    )
    path = repository.root / workflow.PATH
    there = path.read_text("utf-8") if path.is_file() else ""
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), wanted.splitlines(keepends=True), workflow.PATH, f"{workflow.PATH} (new)"
    )
    return Written(path, wanted, bool(there), "".join(lines))


def write(found: Written) -> None:
    found.path.parent.mkdir(parents=True, exist_ok=True)
    found.path.write_text(found.text, "utf-8")


def check(edge: Edge, choices: Choices) -> tuple[Check, ...]:
    """Whether the file is this version's, and whether GitHub's environments are guarded, as far as a token can tell."""
    found = compare(edge, choices)
    repository = git.find(edge.cwd, edge.environ)
    return (_file(found), *environments.check(_slug(repository, edge), edge.environ))


def _file(found: Written) -> Check:
    if not found.before:
        return Check("workflow", Outcome.FAIL, f"there is no {workflow.PATH}; cattlegrid workflow writes it")
    if not found.difference:
        return Check("workflow", Outcome.PASS, f"{workflow.PATH} is what cattlegrid {__version__} writes")
    by = workflow.written_by(found.path.read_text("utf-8"))
    older = f"was written by cattlegrid {by}" if by else "was not written by cattlegrid"
    same = f"was changed since cattlegrid {by} wrote it" if by == __version__ else older
    return Check("workflow", Outcome.FAIL, f"{workflow.PATH} {same}; cattlegrid workflow shows the difference")


def _slug(repository: Repository, edge: Edge) -> str:
    """`owner/name` on GitHub; empty when it is not there."""
    if named := edge.environ.get("GITHUB_REPOSITORY"):
        return named
    url = git.git(repository, "remote", "get-url", "origin").out.strip()
    found = _REMOTE.match(url)
    return found[1] if found is not None else ""
