"""Git, run on one repository: commits, ancestry, objects, uncommitted files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cattlegrid.errors import Failed, UsageError
from cattlegrid.process import Finished, run

# What git needs of the caller's environment. Nothing that points git at another repository, and no credential of ours:
# a repository's own configuration can make git start programs.
_KEPT: Final = frozenset({"HOME", "LANG", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "TMPDIR", "USER", "XDG_CONFIG_HOME"})
_KEPT_PREFIXES: Final = ("GIT_CONFIG_", "GIT_SSH", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")
_FIXED: Final = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True)
class Repository:
    """`root` is the top folder of the working tree, absolute."""

    root: Path
    environ: Mapping[str, str] = field(repr=False, compare=False)


def find(start: Path, environ: Mapping[str, str]) -> Repository:
    """The repository that `start` lies in. Raises UsageError when it lies in none."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            kept = {k: v for k, v in environ.items() if k in _KEPT or k.startswith(_KEPT_PREFIXES)}
            return Repository(folder, {**kept, **_FIXED})
    raise UsageError(f"{here} is not in a git repository", next="git init && git add --all && git commit")


def git(repository: Repository, *arguments: str, input: bytes | None = None) -> Finished:
    return run(
        ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments],
        cwd=repository.root,
        env=repository.environ,
        input=input,
    )


def head(repository: Repository) -> str:
    """The id of the commit that is checked out. Raises UsageError before the first commit."""
    found = commit(repository, "HEAD")
    if found is None:
        raise UsageError(f"{repository.root} has no commit yet", next="git add --all && git commit")
    return found


def commit(repository: Repository, revision: str) -> str | None:
    """The full id of the commit that `revision` (a prefix, a branch, a tag) names, or None when it is not here."""
    if not revision or revision.startswith("-"):
        return None
    done = git(repository, "rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}")
    return done.out.strip() if done.code == 0 else None


def is_shallow(repository: Repository) -> bool:
    return git(repository, "rev-parse", "--is-shallow-repository").out.strip() == "true"


def is_ancestor(repository: Repository, older: str, newer: str) -> bool | None:
    """Whether `newer` contains `older`. None: this clone cannot tell (a commit or the history between is missing)."""
    first, second = commit(repository, older), commit(repository, newer)
    if first is None or second is None:
        return None
    done = git(repository, "merge-base", "--is-ancestor", first, second)
    if done.code == 0:
        return True
    return None if done.code != 1 or is_shallow(repository) else False


def deepen(repository: Repository) -> None:
    """Fetch the whole history of a shallow clone: commits and trees, not the files. Raises Failed."""
    if is_shallow(repository):
        done = git(repository, "fetch", "--quiet", "--unshallow", "--filter=blob:none")
        if done.code != 0:
            raise Failed(
                f"the history of this shallow clone could not be fetched:\n  {done.err.strip()}",
                where=str(repository.root),
                next="git fetch --unshallow (in GitHub Actions: actions/checkout with fetch-depth: 0)",
            )


def dirty_paths(repository: Repository) -> tuple[str, ...]:
    """Changed, deleted and untracked files (ignored ones are not among them), relative to the root."""
    done = git(repository, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    listed = done.expect_success("git status").raw.split(b"\0")
    return tuple(entry[3:].decode("utf-8", "surrogateescape") for entry in listed if entry)


def objects(repository: Repository, ids: Iterable[str]) -> dict[str, bytes]:
    """The content of these objects, from one git process. Ids that are not here are left out."""
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        return {}
    asked = "\n".join(wanted).encode() + b"\n"
    raw = git(repository, "cat-file", "--batch", input=asked).expect_success("git cat-file").raw
    found = {}
    at = 0
    for wanted_id in wanted:
        end = raw.index(b"\n", at)
        header = raw[at:end].split()
        at = end + 1
        if header[-1] == b"missing":
            continue
        size = int(header[2])
        found[wanted_id] = raw[at : at + size]
        at += size + 1
    return found


@dataclass(frozen=True)
class ChangedPath:
    """A file that differs between two commits. `letter`: A added, D deleted, M modified, T of another type. `plain`:
    on both sides a file, not a symbolic link or a submodule.
    """

    path: str
    letter: str
    plain: bool


def changed_paths(repository: Repository, old: str, new: str) -> tuple[ChangedPath, ...]:
    """What differs between two commits, whatever their histories. A moved file is one deleted and one added.

    Raises ToolFailed when a commit is not in this clone.
    """
    done = git(repository, "diff-tree", "-r", "-z", "--raw", "--no-renames", old, new).expect_success("git diff-tree")
    fields = done.raw.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for meta, path in zip(fields[0::2], fields[1::2], strict=False):
        before, after, _, _, letter = meta.lstrip(":").split(" ")
        modes = {before, after} - {"000000"}
        found.append(ChangedPath(path, letter, plain=all(mode.startswith("100") for mode in modes)))
    return tuple(found)


def own_folder(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """Git's own folder of this working tree, which git does not list; None outside a repository."""
    try:
        repository = find(folder, environ)
    except UsageError:
        return None
    done = git(repository, "rev-parse", "--absolute-git-dir").expect_success("git rev-parse")
    return Path(done.out.strip())
