"""Killed anywhere, a mirror goes on: SIGKILL, at every batch that it writes, before and after the batch."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from exactly import content, structure
from mirror_files import made
from nasty import Nasty

HERE = Path(__file__).parent
SIZE = 600


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("production") / "production.db", Nasty(3))


def run_until(production: Path, staging: Path, *, batch: int, after: bool) -> int:
    """A mirror in a process of its own that kills itself at that batch; its exit code."""
    argv = [sys.executable, str(HERE / "killed.py"), str(production), str(staging), str(batch), str(int(after))]
    return subprocess.run([*argv, str(SIZE)], check=False).returncode


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_mirror_killed_once_at_each_batch_ends_exact(production: Path, tmp_path: Path, after: bool) -> None:
    for batch in range(1, 60, 13):
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
