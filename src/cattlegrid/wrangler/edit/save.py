"""Files replaced whole: whoever looks, and whenever we are killed, sees the old content or the new one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cattlegrid.errors import Failed, StalePlan


@dataclass(frozen=True)
class Write:
    """`path` is absolute, `shown` how a person knows it."""

    path: Path
    shown: str
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)


def save(writes: Sequence[Write], scratch: Path | None) -> None:
    """Replace the files one after the other. All are looked at before the first is touched.

    `scratch` is a folder in which a half-written copy may be left behind when the process is killed (git's own, which
    git does not list); None, or another file system, means beside the file. Raises StalePlan when a file is not what
    it was when the plan was made, Failed when one cannot be written.
    """
    for write in writes:
        _check(write)
    for write in writes:
        _replace(write, scratch)


def create(path: Path, shown: str, content: bytes, scratch: Path | None) -> None:
    """A new file, there whole or not at all. `scratch` as for `save`. Raises StalePlan when there is one already."""
    beside = path.with_name(f".{path.name}.cattlegrid")
    for made in (scratch / f"cattlegrid-{os.getpid()}-{path.name}" if scratch is not None else beside, beside):
        try:
            _fill(made, content, 0o644)
            os.link(made, path)
        except FileExistsError as error:
            raise StalePlan(
                "has been written in the meantime, and is left as it is", where=shown, next=_AGAIN
            ) from error
        except OSError as error:
            if error.errno != errno.EXDEV or made == beside:
                raise Failed(f"could not be written: {error.strerror}", where=shown, next=_AGAIN) from error
        else:
            return
        finally:
            made.unlink(missing_ok=True)


def _check(write: Write) -> None:
    try:
        now = write.path.read_bytes()
        mode = write.path.stat().st_mode
    except OSError as error:
        raise StalePlan(f"cannot be read any more: {error.strerror}", where=write.shown, next=_AGAIN) from error
    if now != write.before:
        raise StalePlan("was changed while the plan was made; nothing was written", where=write.shown, next=_AGAIN)
    if not mode & stat.S_IWUSR or not os.access(write.path, os.W_OK):
        raise Failed("is read-only; nothing was written", where=write.shown, next=f"chmod u+w {write.shown}")


_AGAIN = "repeat the command"


def _replace(write: Write, scratch: Path | None) -> None:
    target = write.path.resolve()
    beside = target.with_name(f".{target.name}.cattlegrid")
    made = scratch / f"cattlegrid-{os.getpid()}-{target.name}" if scratch is not None else beside
    try:
        _fill(made, write.after, target.stat().st_mode)
        try:
            made.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            made.unlink()
            made = beside
            _fill(made, write.after, target.stat().st_mode)
            made.replace(target)
    except OSError as error:
        made.unlink(missing_ok=True)
        what = f"could not be written: {error.strerror}; files before it in the list were"
        raise Failed(what, where=write.shown, next=_AGAIN) from error


def _fill(path: Path, content: bytes, mode: int) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(stat.S_IMODE(mode))
