"""Small records kept in git refs of their own: a commit without parents, whose tree holds a few files."""

from __future__ import annotations

from collections.abc import Mapping

from cattlegrid.errors import Failed
from cattlegrid.git.repository import Repository, git, objects


def write(repository: Repository, ref: str, files: Mapping[str, bytes], message: str) -> None:
    """Make `ref` a new commit of these files, by whom git knows, or by nobody in particular. Raises ToolFailed."""
    lines = []
    for name, content in sorted(files.items()):
        done = git(repository, "hash-object", "-w", "--stdin", input=content).expect_success("git hash-object")
        lines.append(f"100644 blob {done.out.strip()}\t{name}\n")
    tree = git(repository, "mktree", input="".join(lines).encode()).expect_success("git mktree").out.strip()
    words = [*_identity(repository), "commit-tree", "--no-gpg-sign", "-m", message, tree]
    commit = git(repository, *words).expect_success("git commit-tree")
    git(repository, "update-ref", ref, commit.out.strip()).expect_success("git update-ref")


def _identity(repository: Repository) -> list[str]:
    if git(repository, "config", "user.email").code == 0:
        return []
    return ["-c", "user.name=cattlegrid", "-c", "user.email=cattlegrid@localhost"]


def read(repository: Repository, prefix: str, names: tuple[str, ...]) -> dict[str, dict[str, bytes]]:
    """By ref under `prefix`: those of the named files that it holds. Whatever else the ref may point to holds none."""
    listed = git(repository, "for-each-ref", "--format=%(refname)", prefix).expect_success("git for-each-ref").out
    refs = [ref for ref in listed.splitlines() if " " not in ref]
    asked = {f"{ref}:{name}": (ref, name) for ref in refs for name in names}
    found = objects(repository, asked)
    read: dict[str, dict[str, bytes]] = {ref: {} for ref in refs}
    for key, content in found.items():
        ref, name = asked[key]
        read[ref][name] = content
    return read


def remote(repository: Repository) -> str:
    """The remote that records are shared through: `origin`, else the only one; empty without any."""
    names = git(repository, "remote").expect_success("git remote").out.split()
    return "origin" if "origin" in names else names[0] if len(names) == 1 else ""


def fetch(repository: Repository, remote_name: str, prefix: str) -> None:
    """Bring the remote's records here. What is only here stays. Raises Failed when the remote does not answer."""
    done = git(repository, "fetch", "--quiet", "--no-tags", remote_name, f"+{prefix}/*:{prefix}/*")
    if done.code != 0:
        raise Failed(f"the records of {remote_name} could not be fetched:\n  {done.err.strip()}")


def push(repository: Repository, remote_name: str, ref: str) -> None:
    """Raises Failed, with git's own words, when the remote does not take it."""
    done = git(repository, "push", "--quiet", remote_name, f"{ref}:{ref}")
    if done.code != 0:
        raise Failed(
            f"it was written here, but {remote_name} did not take it:\n  {done.err.strip()}",
            where=ref,
            next=f"git push {remote_name} {ref}",
        )
