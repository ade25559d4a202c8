"""The demo, as `make demo` plays it: interrupted once, then to its end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cattlegrid.cli.demo.stage import Stage
from cattlegrid.cli.demo.teller import Teller
from cattlegrid.cli.show import Show
from cattlegrid.toolchain import Toolchain

COMMAND = (sys.executable, "-m", "cattlegrid", "demo", "--into", "stage")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _processes_below(folder: Path) -> list[str]:
    commands = []
    for entry in Path("/proc").iterdir():
        try:
            commands.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return [command for command in commands if str(folder) in command]


def test_the_demo_tells_its_story_also_after_it_was_interrupted(tmp_path: Path) -> None:
    environ = {**os.environ, "NO_COLOR": "1", "CLOUDFLARE_API_TOKEN": "a-persons-own-token"}
    first = subprocess.Popen(COMMAND, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert any("3. " in line for line in first.stdout)
    first.send_signal(signal.SIGINT)
    first.communicate()
    assert first.returncode == 130

    done = subprocess.run(
        [*COMMAND, "--clean"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        "1 of 2 workers differs",
        "2 of 2 workers differ",
        "staging  smoke ✗ fail",
        "production  verified ✓ pass",
        "101004 rows, ",
        "with staging's key → 401",
        "drift: it was deployed by",
        "not before lunch; cattlegrid unhold",
        " 0 approvals of ",
        "roll back",
        "was rolled back and is held",
        "That was 11 scenes in",
    ):
        assert line in done.stdout
    signed = " approved until " in done.stdout
    refused = "in an agent's process tree" in done.stdout and "An agent plays this story" in done.stdout
    assert signed != refused
    digests = [line.split()[-1] for line in done.stdout.splitlines() if " sha256 " in line]
    assert digests[0] == digests[1] != digests[2] == digests[3]
    assert not (tmp_path / "stage").exists()
    assert _processes_below(tmp_path) == []


def test_an_agent_that_plays_the_demo_is_refused_and_the_story_goes_on(tmp_path: Path, node_parts: Toolchain) -> None:
    out = io.StringIO()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CLAUDECODE": "1"}
    teller = Teller(Stage(tmp_path, environ, node_parts, str), Show(out, out, {}, json=False))
    assert not teller.person("cattlegrid approve --release 0123456789ab")
    assert "in an agent's process tree: the variable CLAUDECODE is set" in out.getvalue()


def test_a_folder_that_is_not_an_earlier_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "mine.txt").write_text("mine")
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not empty and not an earlier demo" in done.stderr
    assert [entry.name for entry in (tmp_path / "stage").iterdir()] == ["mine.txt"]
