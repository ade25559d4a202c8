"""How much memory a program and everything it started really takes: the kernel's proportional set size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")


def tree(of: Callable[[str], bool]) -> set[int]:
    """Ids of the processes whose command line `of` accepts, and of all below them."""
    parents = {int(entry.name): _parent(entry) for entry in PROC.iterdir() if entry.name.isdigit()}
    found = {pid for pid in parents if of(_command(pid))}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def megabytes(pids: set[int]) -> float:
    """Shared pages are divided among the processes that share them, so the sum counts nothing twice."""
    return sum(_pss(pid) for pid in pids) / 1024


def _pss(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _command(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
