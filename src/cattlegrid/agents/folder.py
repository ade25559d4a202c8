"""The session folder: 0700, outside the repository and the home, gone when the session ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PREFIX: Final = "cattlegrid-"


def make(environ: Mapping[str, str]) -> Path:
    """A new private folder: in the user's runtime folder where there is one, else in the temporary one."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    parent = runtime if runtime and os.access(runtime, os.W_OK) else None
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
