"""The files of a commit, from one `git ls-tree`: quick for a hundred thousand files, as few of them are looked at."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cattlegrid.errors import Failed
from cattlegrid.git.paths import glob_pattern
from cattlegrid.git.repository import Repository, git

FOLDER: Final = "040000"
LINK: Final = "120000"
SUBMODULE: Final = "160000"

NOTED: Final = frozenset((
    "package.json", "tsconfig.json", "pnpm-workspace.yaml",
    "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb",
    "wrangler.json", "wrangler.jsonc", "wrangler.toml",
))  # fmt: skip
_NOTED_LAST: Final = frozenset(name.encode()[-1] for name in NOTED)  # most files are ruled out by one byte
_NOTED_ENDS: Final = tuple(before + name.encode() for name in NOTED for before in (b"/", b"\t"))


@dataclass(frozen=True)
class Entry:
    """`oid` is git's object id: of the content for a file or a link, of the whole subtree for a folder, the commit for
    a submodule.
    """

    mode: str
    oid: str


@dataclass(frozen=True)
class Tree:
    """`lines` are those of `git ls-tree -r -t -z`, in git's order, with a NUL's place cut out."""

    commit: str
    lines: list[bytes] = field(repr=False)
    _looked_up: dict[str, Entry | None] = field(default_factory=dict, repr=False, compare=False)

    def entry(self, path: str) -> Entry | None:
        """What is at `path`; the root folder is "" and always there."""
        if not path:
            return self._root
        found = self._special.get(path) or self._noted.get(path)
        if found is not None or path.rsplit("/", 1)[-1] in NOTED:
            return found
        if path not in self._looked_up:
            self._looked_up[path] = self._searched(path)
        return self._looked_up[path]

    @cached_property
    def _root(self) -> Entry:
        top = (line for line in self.lines if b"/" not in line)
        return Entry(FOLDER, hashlib.sha256(b"\0".join(top)).hexdigest())

    @cached_property
    def links(self) -> dict[str, str]:
        """Symbolic links: path to object id. The object's content is the link's target."""
        return {path: entry.oid for path, entry in self._special.items() if entry.mode == LINK}

    @cached_property
    def submodules(self) -> dict[str, str]:
        return {path: entry.oid for path, entry in self._special.items() if entry.mode == SUBMODULE}

    def named(self, name: str) -> list[str]:
        """Paths of the files of this name (package.json, tsconfig.json, lock files), anywhere."""
        return self._by_name.get(name, [])

    def matching(self, glob: str) -> list[tuple[str, str]]:
        """(path, object id) of the files that the glob chooses."""
        pattern = glob_pattern(glob)
        start = glob.split("*", 1)[0].split("?", 1)[0].split("[", 1)[0].split("{", 1)[0].encode()
        found = []
        for line in self.lines:
            at = line.find(b"\t") + 1
            if line.startswith(start, at) and not line.startswith(b"040000"):
                path, entry = _parsed(line)
                if pattern.fullmatch(path):
                    found.append((path, entry.oid))
        return found

    def holding(self, content: bytes) -> list[str]:
        """Paths of the files with exactly this content."""
        if not self.lines:
            return []
        hashed = hashlib.sha1(usedforsecurity=False) if self.lines[0].index(b"\t") < 60 else hashlib.sha256()
        hashed.update(b"blob %d\0" % len(content) + content)
        mark = f" {hashed.hexdigest()}\t".encode()
        return [_parsed(line)[0] for line in self.lines if mark in line]

    @cached_property
    def _special(self) -> dict[str, Entry]:
        return dict(_parsed(line) for line in self.lines if not line.startswith(b"100"))

    @cached_property
    def _noted(self) -> dict[str, Entry]:
        return dict(_parsed(line) for line in self.lines if line[-1] in _NOTED_LAST and line.endswith(_NOTED_ENDS))

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path in self._noted:
            names.setdefault(path.rsplit("/", 1)[-1], []).append(path)
        return names

    def _searched(self, path: str) -> Entry | None:
        wanted = path.encode("utf-8", "surrogateescape")
        at = bisect_left(self.lines, wanted, key=_sorted_by)
        if at < len(self.lines) and _sorted_by(self.lines[at]) == wanted:
            return _parsed(self.lines[at])[1]
        return None


def read(repository: Repository, revision: str) -> Tree:
    """The files of the commit. Raises Failed when git has no such commit."""
    done = git(repository, "ls-tree", "-r", "-t", "-z", "--full-tree", revision)
    if done.code != 0:
        raise Failed(
            f"git cannot list the files of {revision}: {done.err.strip()}",
            where=str(repository.root),
            next="git fetch origin, or name a commit that this clone has",
        )
    lines = done.raw.split(b"\0")
    lines.pop()
    return Tree(revision, lines)


def _parsed(line: bytes) -> tuple[str, Entry]:
    meta, path = line.split(b"\t", 1)
    mode, _, oid = meta.decode("ascii").split(" ")
    return path.decode("utf-8", "surrogateescape"), Entry(mode, oid)


def _sorted_by(line: bytes) -> bytes:
    """Git sorts a folder as if its name ended in a slash."""
    path = line[line.index(b"\t") + 1 :]
    return path + b"/" if line.startswith(b"04") else path
