"""Killed anywhere, a mirror goes on: SIGKILL at random moments, and before and after a batch that it writes.

With CATTLEGRID_EXHAUSTIVE=1, at a hundred moments.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from exactly import content, structure
from mirror_files import made
from nasty import Nasty

from exhaustive import EXHAUSTIVE

HERE = Path(__file__).parent
SIZE = 600
MOMENTS = 100 if EXHAUSTIVE else 4


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("production") / "production.db", Nasty(3))


def run_until(production: Path, staging: Path, *, batch: int, after: bool) -> int:
    """A mirror in a process of its own that kills itself at that batch; its exit code."""
    return subprocess.run(argv(production, staging, batch, after=after), check=False).returncode


def argv(production: Path, staging: Path, batch: int = 9999, *, after: bool = False) -> list[str]:
    program = [sys.executable, str(HERE / "killed.py")]
    return [*program, str(production), str(staging), str(batch), str(int(after)), str(SIZE)]


def test_a_mirror_killed_at_any_moment_ends_exact(production: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    assert run_until(production, tmp_path / "whole.db", batch=9999, after=False) == 0
    whole, dice = time.monotonic() - started, random.Random(8)
    killed = 0
    for number in range(MOMENTS):
        staging = tmp_path / f"{number}.db"
        with subprocess.Popen(argv(production, staging)) as running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(dice.uniform(0.1, 1.0) * whole)
            running.kill()
        killed += running.returncode == -signal.SIGKILL
        assert run_until(production, staging, batch=9999, after=False) == 0
        assert content(staging) == content(production)
        assert structure(staging) == structure(production)
    assert killed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_mirror_killed_once_at_each_batch_ends_exact(production: Path, tmp_path: Path, after: bool) -> None:
    for batch in range(8, 60, 24):
        staging = tmp_path / f"{batch}.db"
        if run_until(production, staging, batch=batch, after=after) == 0:
            break
        assert run_until(production, staging, batch=9999, after=False) == 0
        assert content(staging) == content(production)
        assert structure(staging) == structure(production)
    assert batch > 20


def test_a_mirror_killed_again_and_again_gets_to_its_end(production: Path, tmp_path: Path) -> None:
    staging = tmp_path / "staging.db"
    codes = []
    while not codes or codes[-1] != 0:
        codes.append(run_until(production, staging, batch=20, after=len(codes) % 2 == 0))
        assert len(codes) < 12
    assert codes.count(-signal.SIGKILL) >= 2
    assert content(staging) == content(production)
