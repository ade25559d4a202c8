"""One deploy or promotion at a time for each environment and clone. The kernel frees the lock of a killed process."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cattlegrid.errors import Locked
from cattlegrid.model.environment import Environment


def clone_name(common_dir: Path) -> str:
    """Eight hex digits that name this clone and no other, the same each time."""
    path = common_dir / "cattlegrid" / "clone"
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x") as new:
            new.write(secrets.token_hex(4))
    except FileExistsError:
        pass
    return path.read_text("ascii")


@contextmanager
def held(common_dir: Path, environment: Environment, *, who: str, doing: str, now: datetime) -> Iterator[None]:
    """Hold the lock of the environment; `common_dir` is git's, which all worktrees of a clone share.

    Raises Locked, with who holds it and since when.
    """
    path = common_dir / "cattlegrid" / f"{environment}.lock"
    path.parent.mkdir(exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = path.read_text("utf-8").strip() or "another run"
            raise Locked(
                f"{holder} is at work on {environment}",
                where=str(path),
                next="wait until it has finished, then repeat the command",
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, f"{doing} by {who} (process {os.getpid()}, since {now:%H:%M:%S} UTC)\n".encode())
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)
