"""Writes the table of ways into docs/agents.md, from what the tests measured.

CATTLEGRID_WAYS=/tmp/ways .venv/bin/pytest tests/agents/test_ways.py && .venv/bin/python tests/agents/table.py /tmp/ways
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ways import WAYS

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
AGENTS = ("claude", "codex", "gemini", "opencode")
START, END = "<!-- ways -->\n", "<!-- /ways -->"


def measured(folder: Path, agent: str, kind: str) -> dict[str, dict[str, Any]]:
    file = folder / f"{agent}-{kind}.json"
    return {row["way"]: row for row in json.loads(file.read_text())} if file.is_file() else {}


def cell(plain: dict[str, Any] | None, sandbox: dict[str, Any] | None) -> str:
    def sign(row: dict[str, Any] | None) -> str:
        if row is None:
            return "not measured"
        if row["arrived"]:
            return "**✗**"
        if row["stopped"] == "no credential" and row is sandbox and plain is not None and plain["arrived"]:
            return "S"
        if "Read-only file system" in row["said"]:
            return "S"
        if "unsupported custom tool call" in row["said"]:
            return "-"
        if "additional propert" in row["said"]:
            return "W"
        return {"guard": "G", "gateway": "W", "no credential": "C"}[row["stopped"]]

    return f"{sign(plain)} / {sign(sandbox)}"


def table(folder: Path) -> str:
    found = {(agent, kind): measured(folder, agent, kind) for agent in AGENTS for kind in ("plain", "sandbox")}
    rows = ["| way | " + " | ".join(AGENTS) + " |", "|---|" + "---|" * len(AGENTS)]
    for way in WAYS:
        cells = [cell(found[agent, "plain"].get(way.name), found[agent, "sandbox"].get(way.name)) for agent in AGENTS]
        rows.append(f"| {way.name} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    text = PAGE.read_text()
    before, _, rest = text.partition(START)
    PAGE.write_text(before + START + table(Path(sys.argv[1])) + END + rest.partition(END)[2])
