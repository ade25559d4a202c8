"""The session folder: 0700, outside the repository, gone when the session ends.

Who lives in it holds its lock, and the kernel lets go of that whatever a process dies of. What nobody holds is swept
away when the next session begins.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PREFIX: Final = "cattlegrid-"
_LOCK: Final = "lock"


def parents(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where sessions may lie, the best place first: the user's runtime folder, else our own cache.

    Not the temporary folder: Gemini CLI refuses settings under a parent that others may write.
    """
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    ours = Path(cache) / "cattlegrid" / "sessions"
    return (Path(runtime), ours) if runtime and os.access(runtime, os.W_OK) else (ours,)


def make(environ: Mapping[str, str]) -> Path:
    """A new private folder, held by this process and by what it becomes. Those that nobody holds go."""
    import tempfile  # noqa: PLC0415 - 10 ms that a gateway, which only holds its folder, does not pay

    parent = parents(environ)[0]
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in parent.glob(f"{_PREFIX}*"):
        _sweep(old)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    unnamed = folder / f"{_LOCK}.new"
    unnamed.touch(0o600)
    os.set_inheritable(_held(unnamed), True)
    unnamed.rename(folder / _LOCK)  # under its name it is never seen without a holder
    return folder


def hold(folder: Path) -> None:
    """This process lives there too, until it ends."""
    _held(folder / _LOCK)


def _held(lock: Path) -> int:
    handle = os.open(lock, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def _sweep(folder: Path) -> None:
    """Unless somebody lives there, or it is another user's, or it is just being made."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if os.fstat(handle).st_uid == os.getuid():
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            discard(folder)
    except BlockingIOError:
        return
    finally:
        os.close(handle)


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
