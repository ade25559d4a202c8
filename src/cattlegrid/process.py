"""The one way out to other programs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from cattlegrid.errors import ToolFailed, ToolMissing

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Finished:
    """What a program left behind. `raw` is its output's bytes; as text, undecodable bytes are replaced."""

    argv: tuple[str, ...]
    code: int
    raw: bytes
    err: str

    @cached_property
    def out(self) -> str:
        return _text(self.raw)

    def expect_success(self, doing: str) -> Finished:
        """This, or ToolFailed with the program's own last words."""
        if self.code == 0:
            return self
        words = _COLOUR.sub("", self.err.strip() or self.out.strip() or "it said nothing").splitlines()
        how = f"signal {signal.Signals(-self.code).name}" if self.code < 0 else f"exit code {self.code}"
        raise ToolFailed(f"{doing} failed with {how}:\n" + "\n".join(f"  {line}" for line in words[-12:]))


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    input: bytes | None = None,
    timeout: float | None = None,
    pass_fds: Sequence[int] = (),
) -> Finished:
    """Run a program to its end with exactly this environment. Never through a shell; secrets never in `argv`.

    Raises ToolMissing when it cannot be started and ToolFailed when `timeout` seconds have passed.
    """
    try:
        with _in_memory() as output:
            done = subprocess.run(
                list(argv),
                cwd=cwd,
                env=dict(env),
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                stdout=output,
                stderr=subprocess.PIPE,
                timeout=timeout,
                pass_fds=tuple(pass_fds),
                check=False,
            )
            raw = os.pread(output, os.fstat(output).st_size, 0)
    except FileNotFoundError as error:
        missing = argv[0] if not Path(cwd).is_dir() or error.filename != str(cwd) else str(cwd)
        raise ToolMissing(f"{missing} is not there", next=f"install {Path(argv[0]).name}, or put it on PATH") from error
    except PermissionError as error:
        raise ToolMissing(f"{argv[0]} cannot be executed: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{Path(argv[0]).name} did not finish within {timeout:.0f} s and was stopped") from error
    return Finished(tuple(argv), done.returncode, raw, _text(done.stderr))


def lineage() -> tuple[str, ...]:
    """The names of this process's ancestors, the nearest first."""
    names = []
    process = os.getppid()
    while process > 0:
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except OSError:
            break
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        names.append(fields.get("Name", ""))
        process = int(fields.get("PPid", "0"))
    return tuple(names)


@contextmanager
def _in_memory() -> Iterator[int]:
    """Where a program writes without waiting for us to read: megabytes through a pipe cost more than git itself."""
    handle = os.memfd_create("output")
    try:
        yield handle
    finally:
        os.close(handle)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
