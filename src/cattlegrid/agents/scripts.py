"""What a command would run besides itself: npm scripts, shell and program files that it names, what a push carries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LARGEST: Final = 200_000
_NPM: Final = re.compile(
    r"\b(?:npm|pnpm|yarn|bun)\s+(?:(?:-\S+|--prefix\s+\S+|-w\s+\S+)\s+)*(?:run(?:-script)?\s+)?(?P<name>[\w:.-]+)"
)
_FILES: Final = re.compile(
    r"[\w./~-]*[\w-]\.(?:sh|bash|mjs|cjs|js|ts|py|rb|pl|mk|yml|yaml|toml|json|txt)\b|\bMakefile\b|(?<=\./)[\w./-]+"
)
_RUNNERS: Final = re.compile(
    r"(?:^|[;&|(\s])(?:sh|bash|zsh|dash|source|\.|node|bun|deno|tsx|python3?|ruby|perl|make|xargs|npx|exec)\b|(?:^|[\s;&|])\.{0,2}/"
)
_MAKE: Final = re.compile(r"(?:^|[;&|\s])make\b")


def named(text: str, cwd: Path) -> Iterator[tuple[str, str]]:
    """(what it is, its text) of each script that is found."""
    for found in _NPM.finditer(text):
        yield from _npm(found["name"], _folders(text, cwd))
    if _MAKE.search(text):
        yield from _file(cwd / "Makefile")
    if _RUNNERS.search(text):
        for name in dict.fromkeys(_FILES.findall(text)):
            for folder in _folders(text, cwd):
                yield from _file(folder / Path(name).expanduser())


def pushed(cwd: Path, guarded: re.Pattern[str]) -> str:
    """A guarded file that commits here change and the remote does not have; empty when there is none."""
    import subprocess  # noqa: PLC0415 - 8 ms that only a push pays, and the guard runs before every tool

    for range_ in ("@{upstream}..HEAD", "origin/HEAD..HEAD", "origin/main..HEAD"):
        words = ["git", "log", "--name-only", "--pretty=format:", range_, "--"]
        try:
            done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=5, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return "files that could not be read"
        if done.returncode == 0:
            return next((name for name in done.stdout.splitlines() if guarded.search(name)), "")
    return ""


def _npm(name: str, folders: list[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        try:
            known = json.loads((folder / "package.json").read_text("utf-8")).get("scripts", {})
        except (OSError, ValueError, AttributeError):
            continue
        lines = [str(known[key]) for key in (f"pre{name}", name, f"post{name}") if key in known]
        if lines:
            workspaces = "\n".join(_of_workspaces(folder, name)) if "--workspaces" in "\n".join(lines) else ""
            yield f"npm script {name!r}", "\n".join((*lines, workspaces))
            return


def _of_workspaces(folder: Path, name: str) -> Iterator[str]:
    for file in sorted(folder.glob("*/*/package.json"))[:50]:
        try:
            known = json.loads(file.read_text("utf-8")).get("scripts", {})
        except (OSError, ValueError, AttributeError):
            continue
        if name in known:
            yield str(known[name])


def _folders(text: str, cwd: Path) -> list[Path]:
    moved = re.findall(r"(?:\bcd|--prefix|-C|--cwd)[\s=]+[\"']?([^\s;&|\"']+)", text)
    return [*(cwd / Path(one).expanduser() for one in moved), cwd]


def _file(path: Path) -> Iterator[tuple[str, str]]:
    try:
        if path.is_file() and path.stat().st_size <= _LARGEST:
            yield path.name, path.read_text("utf-8", "replace")
    except OSError:
        return
