"""Backups that only their recipients can open: age files. What is in them is never on a disk here without encryption.

`NAME.sqlite.age` is the database, `NAME.json.age` its manifest, whose digests would let anybody test guesses. Both are
made, and opened again, in the machine's memory (`/dev/shm`), in a folder that only its owner may enter.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cattlegrid.errors import Refused, UsageError
from cattlegrid.mirror import keeping
from cattlegrid.model.fleet import Fleet
from cattlegrid.secrets.sops import age
from cattlegrid.secrets.sops.age import Keyring
from cattlegrid.verbs.edge import Edge

SUFFIX: Final = ".age"
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the kernel's memory file system; the folder in it is private


def recipients(fleet: Fleet) -> tuple[str, ...]:
    """Who may open this fleet's backups. Raises UsageError when nobody is named, or somebody is not a key."""
    if not fleet.backup.recipients:
        raise UsageError(
            "a backup can be encrypted for somebody only: no recipients are named",
            next='add to cattlegrid.toml: [backup] recipients = ["age1…"]',
        )
    return tuple(age.recipient(one) for one in fleet.backup.recipients)


@contextmanager
def memory() -> Iterator[Path]:
    """A folder in memory that is gone at the end. Raises Refused on a machine without."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        raise Refused("there is no memory file system (/dev/shm): real values would lie on the disk, unencrypted")
    with tempfile.TemporaryDirectory(prefix="cattlegrid-", dir=_MEMORY) as made:
        yield Path(made)


def seal(file: Path, into: Path, to: tuple[str, ...]) -> Path:
    """The backup `file` and its manifest, encrypted into the folder; the database's file. Whole, or not there."""
    sealed = into / f"{file.name}{SUFFIX}"
    for one in (keeping.beside(file), file):
        target = into / f"{one.name}{SUFFIX}"
        keeping.private(target)
        half = target.with_name(f".{target.name}.half")
        try:
            age.seal(one, half, to)
            half.replace(target)
        except BaseException:
            half.unlink(missing_ok=True)
            target.unlink(missing_ok=True)
            raise
    return sealed


@contextmanager
def opened(edge: Edge, file: Path) -> Iterator[Path]:
    """The backup as a plain file: itself, or decrypted into memory by this machine's keys."""
    if file.suffix != SUFFIX:
        yield file
        return
    manifest = file.with_suffix("").with_suffix(f".json{SUFFIX}")
    if not file.is_file() or not manifest.is_file():
        missing = "its manifest" if file.is_file() else "the file"
        raise UsageError(f"{file} is not a backup: {missing} is missing", next="cattlegrid backup --encrypt")
    keyring = Keyring(edge.environ, edge.ask)
    with memory() as folder:
        for one in (manifest, file):
            age.unseal(one, folder / one.with_suffix("").name, keyring)
        yield folder / file.with_suffix("").name
