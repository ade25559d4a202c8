"""docs/agents.md: its sessions are typed, and its table is whole."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from ways import WAYS

from herd import COMMAND, Herd

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def sessions() -> list[tuple[str, list[str]]]:
    """(the command, the lines that it must print) of each console block; `…` is anything."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("command", "expected"), sessions(), ids=[command for command, _ in sessions()])
def test_a_session_of_the_page_prints_what_the_page_says(herd: Herd, command: str, expected: list[str]) -> None:
    path = f"{Path(COMMAND).parent}{os.pathsep}{herd.environ['PATH']}"
    said = herd.run(*command.split()[1:], expect=None, env={"PATH": path})
    for line in expected:
        pattern = ".*".join(re.escape(part) for part in line.rstrip().split("…"))
        assert re.search(f"^{pattern}", said, re.MULTILINE), f"{line!r} is not in:\n{said}"


def test_the_table_has_every_way_and_what_arrives_is_only_what_a_person_left_lying_about() -> None:
    rows = {cells[0]: cells[1:] for cells in _rows()}
    assert list(rows) == [way.name for way in WAYS]
    assert len(WAYS) >= 30
    for way, cells in rows.items():
        for cell in cells:
            plain, _, sandbox = cell.partition(" / ")
            assert "✗" not in sandbox, way
            assert "✗" not in plain or "composed" in way, way


def _rows() -> list[list[str]]:
    text = PAGE.read_text().partition("<!-- ways -->")[2].partition("<!-- /ways -->")[0]
    lines = [line for line in text.strip().splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
