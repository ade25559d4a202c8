"""docs/secrets.md, run as it stands: `name$` is typed on that person's machine, and what follows has to come."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fleet import SETTINGS, SecretFleet, environ_of, lay_out

PAGE = Path(__file__).parents[2] / "docs" / "secrets.md"
_PROMPT = re.compile(r"^(ann|bob|agents)\$ (.*)$")


@dataclass(frozen=True)
class Typed:
    who: str
    command: str
    expected: str


def sessions(kind: str) -> Iterator[Typed]:
    """The commands of the page's blocks of this kind, in order."""
    for block in re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        lines = block.splitlines()
        starts = [index for index, line in enumerate(lines) if _PROMPT.match(line)]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            found = _PROMPT.match(lines[start])
            assert found is not None
            yield Typed(found[1], found[2], "\n".join(lines[start + 1 : end]))


def comes(expected: str, shown: str) -> bool:
    pattern = r"[\s\S]*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, shown.rstrip("\n")) is not None


def machines(base: Path) -> Path:
    """Programs that a person has on PATH: `cattlegrid`, and the public keys that colleagues have sent."""
    tools = base / "tools"
    tools.mkdir()
    (tools / "cattlegrid").write_text(f'#!/bin/sh\nexec {sys.executable} -m cattlegrid "$@"\n')
    for who in ("bob", "agents"):
        keys = base / who / ".config" / "sops" / "age" / "keys.txt"
        (tools / f"{who}-public-key").write_text(f"#!/bin/sh\nsed -n 's/^# public key: //p' {keys}\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return tools


def play(base: Path, kind: str) -> int:
    """Type the sessions of this kind in `base/fleet`, each person with a home of their own; how many were typed."""
    tools = machines(base)
    typed = list(sessions(kind))
    for one in typed:
        env = environ_of(base / one.who, {"PATH": f"{tools}:{os.environ['PATH']}"})
        done = subprocess.run(
            ["bash", "-c", one.command], cwd=base / "fleet", env=env, capture_output=True, text=True, check=False
        )
        shown = done.stdout + done.stderr
        assert comes(one.expected, shown), f"{one.who}$ {one.command}\n{shown}\nis not\n{one.expected}"
    return len(typed)


def test_the_sessions_of_the_page_run_as_they_stand(tmp_path: Path) -> None:
    lay_out(tmp_path / "fleet", SETTINGS)
    assert play(tmp_path, "console") > 15


def test_the_sessions_of_ventures_run_as_they_stand(tmp_path: Path) -> None:
    [declared] = re.findall(r"^```toml\n(\[ventures\.vc\].*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    lay_out(tmp_path / "fleet", SETTINGS + declared)
    assert play(tmp_path, "console ventures") > 8


@pytest.mark.slow
def test_the_sessions_with_workers_run_as_they_stand(fleet: SecretFleet) -> None:
    tools = machines(fleet.root.parent)
    typed = list(sessions("console cloud"))
    for one in typed:
        env = {**fleet.environ, **fleet.ann.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", one.command], cwd=fleet.root, env=env, capture_output=True, text=True, check=False
        )
        shown = done.stdout + done.stderr
        assert comes(one.expected, shown), f"{one.who}$ {one.command}\n{shown}\nis not\n{one.expected}"
    assert len(typed) > 5
