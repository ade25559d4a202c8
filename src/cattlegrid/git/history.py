"""What lies between two states of a repository, in a person's words: commits and their authors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cattlegrid.git.repository import Repository, git, is_shallow


@dataclass(frozen=True)
class Commit:
    """`date` is ISO 8601."""

    id: str
    author: str
    date: str
    subject: str


def between(
    repository: Repository, old: Iterable[str], new: Iterable[str], *, at_most: int = 200
) -> tuple[Commit, ...]:
    """The commits that `new` contain and `old` do not, newest first. Raises ToolFailed when one is not here."""
    limit = f"--max-count={at_most}"
    done = git(repository, "log", "-z", "--format=%H%x1f%an%x1f%aI%x1f%s", limit, *new, *_without(old), "--")
    lines = done.expect_success("git log").out.split("\0")
    return tuple(Commit(*line.split("\x1f", 3)) for line in lines if line)


def authors(repository: Repository, new: Iterable[str], old: Iterable[str]) -> frozenset[str] | None:
    """The addresses of who wrote and committed what `new` contain and `old` do not, in lower case.

    None when this clone cannot tell.
    """
    done = git(repository, "log", "--format=%ae%n%ce", *new, *_without(old), "--")
    if done.code != 0 or is_shallow(repository):
        return None
    return frozenset(line.lower() for line in done.out.split())


def _without(commits: Iterable[str]) -> list[str]:
    return [f"^{commit}" for commit in commits]
