"""The state folder: which file is what, and who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LEAST_ROOM = 1 << 20


@dataclass(frozen=True)
class Layout:
    folder: Path

    @property
    def lock(self) -> Path:
        """Held as long as the control plane lives, whatever ends it; contains its process id."""
        return self.folder / "lock"

    @property
    def turn(self) -> Path:
        return self.folder / "up.lock"

    @property
    def token(self) -> Path:
        return self.folder / "token"

    @property
    def ports(self) -> Path:
        return self.folder / "ports.json"

    @property
    def address(self) -> Path:
        return self.folder / "address.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def log(self) -> Path:
        return self.logs / "control.log"

    def create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        self.logs.mkdir(exist_ok=True, mode=0o700)

    def reserve(self) -> None:
        """Raises OSError when the disk has no room even to write down why something failed."""
        room = self.folder / "room"
        try:
            room.write_bytes(bytes(_LEAST_ROOM))
        finally:
            room.unlink(missing_ok=True)

    def ours(self) -> bool:
        return self.turn.is_file() or self.lock.is_file()

    def foreign(self) -> bool:
        """Whether the folder is in use for something else."""
        return self.folder.is_dir() and not self.ours() and any(self.folder.iterdir())

    def holder(self) -> int | None:
        """The control plane's process id, None when nobody holds the lock."""
        if not self.lock.is_file():
            return None
        with self.lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text else None
        return None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Raises BlockingIOError when another control plane serves this folder."""
        with self.lock.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def announce(self, port: int, router_port: int, account: str) -> None:
        told = {"pid": os.getpid(), "port": port, "router_port": router_port, "account": account}
        beside = self.address.with_suffix(".new")
        beside.write_text(json.dumps(told))
        beside.rename(self.address)
