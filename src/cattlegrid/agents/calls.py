"""The log of calls: tool, a keyed hash of the arguments, result, time. No argument and no answer is in it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Call:
    """`result` is ok, error, refused, down or cancelled."""

    at: str
    session: str
    environment: str
    tool: str
    worker: str
    arguments: str
    result: str
    milliseconds: int


def state_folder(environ: Mapping[str, str]) -> Path:
    """What cattlegrid keeps of this person on this machine, outside of every repository."""
    state = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".local" / "state"
    return Path(state) / "cattlegrid"


def place(environ: Mapping[str, str], fleet: str) -> Path:
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in fleet)
    return state_folder(environ) / "calls" / f"{name}.jsonl"


def canonical(arguments: Mapping[str, object]) -> bytes:
    return json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()


@dataclass
class Log:
    """Appends. A disk that is full does not stop a call: `trouble` then says that calls go unrecorded."""

    file: Path
    trouble: str = ""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def digest(self, arguments: Mapping[str, object]) -> str:
        """Keyed for this session: equal arguments look equal, and a short secret cannot be guessed from it."""
        return hmac.new(self.key, canonical(arguments), hashlib.sha256).hexdigest()[:16]

    def write(self, call: Call) -> None:
        try:
            handle = self._opened()
            try:
                os.write(handle, (json.dumps(vars(call), ensure_ascii=False) + "\n").encode())
            finally:
                os.close(handle)
        except OSError as error:
            self.trouble = f"the log of calls cannot be written: {error.strerror} ({self.file})"
        else:
            self.trouble = ""

    def _opened(self) -> int:
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            return os.open(self.file, how, 0o600)
        except FileNotFoundError:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self.file, how, 0o600)


def read(file: Path, *, since: datetime | None = None) -> Iterator[Call]:
    """Oldest first; a line that was cut by a full disk is passed over."""
    if not file.is_file():
        return
    for line in file.read_text("utf-8", "replace").splitlines():
        try:
            call = Call(**json.loads(line))
        except (ValueError, TypeError):
            continue
        if since is None or datetime.fromisoformat(call.at) >= since:
            yield call
