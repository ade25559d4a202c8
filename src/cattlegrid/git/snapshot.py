"""A commit's files, with the uncommitted ones of the working tree laid over them when that is wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cattlegrid.git.repository import Repository, objects
from cattlegrid.git.tree import FOLDER, LINK, Entry, Tree


@dataclass(frozen=True)
class Snapshot:
    """`dirty` holds the uncommitted files: path to SHA-256 of the content, or None for a file that was deleted."""

    repository: Repository
    tree: Tree
    dirty: Mapping[str, str | None] = field(default_factory=dict)
    _read: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def entry(self, path: str) -> Entry | None:
        """What is at `path`. The id of an uncommitted file starts with a plus sign."""
        if path in self.dirty:
            digest = self.dirty[path]
            return None if digest is None else Entry("100644", f"+{digest}")
        found = self.tree.entry(path)
        if found is None and path in self._dirty_folders:
            return Entry(FOLDER, "+")
        return found

    def named(self, name: str) -> list[str]:
        if not self.dirty:
            return self.tree.named(name)
        kept = [path for path in self.tree.named(name) if self.dirty.get(path, "") is not None]
        ending = f"/{name}"
        return sorted({*kept, *(path for path, digest in self.dirty.items() if digest and f"/{path}".endswith(ending))})

    def links(self) -> Mapping[str, str]:
        """Committed symbolic links: path to object id."""
        return self.tree.links

    def content(self, path: str) -> bytes | None:
        """The file's content; None when there is no such file. A link's content is its target."""
        found = self.entry(path)
        if found is None or found.mode == FOLDER:
            return None
        if found.oid.startswith("+"):
            return _bytes(self.repository.root / path)
        if found.oid not in self._read:
            self.fetch([path])
        return self._read.get(found.oid)

    def committed(self, path: str) -> bytes | None:
        """The file's content in the commit, whatever the working tree holds."""
        found = self.tree.entry(path)
        return None if found is None else objects(self.repository, [found.oid]).get(found.oid)

    def fetch(self, paths: Iterable[str]) -> None:
        """Read these files' contents from git at once, so that `content` need not ask for each."""
        found = (self.entry(path) for path in paths)
        wanted = {entry.oid for entry in found if entry is not None and entry.mode in ("100644", "100755", LINK)}
        missing = [oid for oid in wanted if oid not in self._read and not oid.startswith("+")]
        self._read.update(objects(self.repository, missing))

    @cached_property
    def _dirty_folders(self) -> frozenset[str]:
        return frozenset(
            path[:at] for path, digest in self.dirty.items() if digest for at, sign in enumerate(path) if sign == "/"
        )


def with_dirty(repository: Repository, tree: Tree, paths: Iterable[str]) -> Snapshot:
    """The commit with these uncommitted files as they are on disk now."""
    dirty = {}
    for path in paths:
        content = _bytes(repository.root / path)
        dirty[path] = None if content is None else hashlib.sha256(content).hexdigest()
    return Snapshot(repository, tree, dirty)


def _bytes(path: Path) -> bytes | None:
    if path.is_symlink():
        return bytes(path.readlink())
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        return b"a submodule with changes of its own"
