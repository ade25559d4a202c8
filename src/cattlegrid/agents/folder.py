"""The session folder: 0700, outside the repository, gone when the session ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PREFIX: Final = "cattlegrid-"


def parents(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where sessions may lie, the best place first: the user's runtime folder, else our own cache.

    Not the temporary folder: Gemini CLI refuses settings under a parent that others may write.
    """
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    ours = Path(cache) / "cattlegrid" / "sessions"
    return (Path(runtime), ours) if runtime and os.access(runtime, os.W_OK) else (ours,)


def make(environ: Mapping[str, str]) -> Path:
    """A new private folder."""
    parent = parents(environ)[0]
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


def put(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)


def discard(folder: Path) -> None:
    """Only what `make` has made."""
    if folder.name.startswith(_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
