"""Time programs as a user waits for them, in interleaved rounds, so that a busy minute hits every contender alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class ProgramFailed(Exception):
    """A contender did not do its work: its time would be worth nothing."""


@dataclass(frozen=True)
class Run:
    """`seconds` by the wall clock; `cpu` seconds of the program and the children that it waited for."""

    seconds: float
    cpu: float
    out: str


@dataclass(frozen=True)
class Series:
    """The measurements of one contender, one a round, in order."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    def over(self, other: Series) -> Series:
        """This divided by the other, round by round."""
        return Series(tuple(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True)))


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    codes: Sequence[int] = (0,),
    timeout: float = 600,
    input: bytes = b"",
) -> Run:
    """Run a program to its end. Its output goes to a file, so that nobody is timed reading it; `input` is in memory.

    Raises ProgramFailed, with its last words, when the exit code is none of `codes`.
    """
    given = os.fdopen(os.memfd_create("in"), "w+b")
    with given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(input)
        given.seek(0)
        before = os.times()
        started = time.perf_counter()
        program = subprocess.Popen(argv, cwd=cwd, env=dict(env), stdin=given, stdout=out, stderr=err)
        # Not wait(timeout=…): that looks now and then, up to 50 ms apart, and would be what is measured.
        deadline = threading.Timer(timeout, program.kill)
        deadline.start()
        try:
            code = program.wait()
            seconds = time.perf_counter() - started
        finally:
            deadline.cancel()
            program.kill()
            program.wait()
        after = os.times()
        out.seek(0)
        err.seek(0)
        words, complaints = (file.read().decode("utf-8", "replace") for file in (out, err))
    if code not in codes:
        last = "\n  ".join((complaints.strip() or words.strip() or "it said nothing").splitlines()[-15:])
        raise ProgramFailed(f"{' '.join(argv)} ended with {code}:\n  {last}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(seconds, cpu, words)


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Series]:
    """Every contender once a round, each round starting with another one. What counts is the number each returns."""
    names = list(contenders)
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            values[name].append(contenders[name]())
    return {name: Series(tuple(found)) for name, found in values.items()}
