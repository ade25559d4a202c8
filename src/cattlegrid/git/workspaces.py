"""Workspaces of npm, yarn, bun and pnpm: which folders of a repository belong together, as its own files say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cattlegrid.git.paths import glob_pattern, join

PNPM: Final = "pnpm-workspace.yaml"
_PNPM_ITEM: Final = re.compile(r"""^\s+-\s*["']?(!?[^"'#\s]+)""")


@dataclass(frozen=True)
class Workspaces:
    """`globs` as written in `file`, those with `!` taking folders out; `root` is the folder that they are seen from."""

    file: str
    globs: tuple[str, ...]
    root: str = ""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Seen from the repository's root."""
        seen = (join(self.root, glob) for glob in self.globs if not glob.startswith("!"))
        return tuple(glob for glob in seen if glob is not None)

    def excludes(self, folder: str) -> bool:
        seen = (join(self.root, glob[1:]) for glob in self.globs if glob.startswith("!"))
        return any(glob_pattern(glob).fullmatch(folder) for glob in seen if glob is not None)

    def holds(self, folder: str) -> bool:
        return any(glob_pattern(glob).fullmatch(folder) for glob in self.wanted) and not self.excludes(folder)

    def members(self, folders: Iterable[str]) -> tuple[str, ...]:
        return tuple(folder for folder in folders if self.holds(folder))


def of_manifest(manifest: Mapping[str, object], root: str = "") -> Workspaces | None:
    """What a package.json declares: a list, or yarn's table with `packages`."""
    declared = manifest.get("workspaces")
    if isinstance(declared, dict):
        declared = declared.get("packages")
    if not isinstance(declared, list):
        return None
    return Workspaces("package.json", tuple(str(glob) for glob in declared), root)


def of_pnpm(text: str, root: str = "") -> Workspaces:
    """The list under `packages:`. Nothing else of YAML is needed."""
    globs = []
    inside = False
    for line in text.splitlines():
        item = _PNPM_ITEM.match(line)
        if line.startswith("packages:"):
            inside = True
        elif inside and item:
            globs.append(item[1])
        elif line.strip() and not line.lstrip().startswith("#"):
            inside = False
    return Workspaces(PNPM, tuple(globs), root)


def read(root: Path) -> Workspaces | None:
    """The workspaces of the folder; pnpm's file before npm's key, as pnpm reads no other. None when it has none."""
    try:
        return of_pnpm((root / PNPM).read_bytes().decode("utf-8", "replace"))
    except OSError:
        pass
    try:
        manifest: Any = json.loads((root / "package.json").read_text("utf-8-sig"))
    except (OSError, ValueError):
        return None
    return of_manifest(manifest) if isinstance(manifest, dict) else None
