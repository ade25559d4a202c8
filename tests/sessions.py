"""Documents that are run: files are written as the page shows them, commands typed, and what they print compared.

A fence's info string says what it is: `console` holds `$ ` commands with their output (both streams) behind them, and
`toml PATH`, `sql PATH`, … holds the content of a file. Ids are compared as zeros, times within a line as `0.00 s`; how
long a step took, at a line's end, is left out.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[[str], str]

_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)
_TOOK = re.compile(r"  \d+\.\d+ s$", re.MULTILINE)
_SECONDS = re.compile(r"\b\d+\.\d+ (s|sec)\b")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def play(page: str, root: Path, run: Run) -> str:
    """The page as it would be with what the commands print today."""

    def one(fence: re.Match[str]) -> str:
        kind, path, body = fence.groups()
        if path:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(body)
        if kind != "console":
            return fence[0]
        said = [f"$ {command}\n{settled(run(command))}" for command in _COMMAND.findall(body)]
        return f"```console\n{''.join(said)}```"

    return _FENCE.sub(one, page)


def settled(text: str) -> str:
    """Without what differs from run to run."""
    lines = [line.rstrip() for line in _UUID.sub("0" * 8, _SECONDS.sub(r"0.00 \1", _TOOK.sub("", text))).splitlines()]
    return "".join(f"{line}\n" for line in lines)


def shell(root: Path, environ: dict[str, str]) -> Run:
    def run(command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command], cwd=root, env=environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.stdout

    return run
