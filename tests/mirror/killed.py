"""A mirror between two files that kills itself, as SIGKILL does, at its nth batch: before or after it is written."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from mirror_files import FileWriter, job

from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.mirror import run
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.model.check import Outcome


class Mortal(FileWriter):
    def __init__(self, engine: OnFile, batch: int, *, after: bool) -> None:
        super().__init__(engine)
        self.left = batch
        self.after = after

    def write(self, statements: Sequence[Statement]) -> list[Result]:
        self.left -= 1
        if self.left < 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        results = super().write(statements)
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return results


def main(production: str, staging: str, batch: str, after: str, size: str) -> int:
    with OnFile(production, read_only=True) as here, OnFile(staging) as there:
        writer = Mortal(there, int(batch), after=after == "1")
        copied = run.run(job(here, writer, size=int(size)), Leaks(KEEP_ALL))
        run.forget(writer)
        return 0 if copied.outcome is Outcome.PASS else 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
