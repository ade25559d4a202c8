"""A command at a terminal of its own, as a person has it."""

from __future__ import annotations

import os
import pty
from collections.abc import Mapping, Sequence
from pathlib import Path


def at_a_terminal(
    argv: Sequence[str], cwd: Path, environ: Mapping[str, str], answers: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """Its exit code, and all that it printed. `answers`: when these words have come, this line is typed, one by one."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(argv[0], list(argv), dict(environ))  # noqa: S606 - a terminal for a person
    said, read_on, left = "", 0, list(answers)
    while True:
        try:
            said += os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:
            break
        if left and left[0][0] in said[read_on:]:
            os.write(terminal, f"{left.pop(0)[1]}\n".encode())
            read_on = len(said)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said
