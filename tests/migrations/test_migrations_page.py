from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from grid import Grid, running

from cattlegrid.toolchain import Toolchain
from sessions import play, shell

PAGE = Path(__file__).parents[2] / "docs/migrations.md"


@pytest.fixture(scope="module")
def cloud_state(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An account of its own: the page counts its databases."""
    yield from running(node_parts, tmp_path_factory.mktemp("page") / "state")


@pytest.mark.slow
def test_the_page_on_migrations_says_what_the_commands_print(grid: Grid) -> None:
    bin_folder = grid.root / "bin"
    bin_folder.mkdir()
    (bin_folder / "cattlegrid").symlink_to(Path(sys.executable).with_name("cattlegrid"))
    # `npx wrangler` in the Worker's folder, quietly: its own words are not ours to document.
    npx = f'#!/bin/sh\nshift\ncd workers/context && exec {" ".join(grid.parts.wrangler)} "$@" >/dev/null 2>&1\n'
    (bin_folder / "npx").write_text(npx)
    (bin_folder / "npx").chmod(0o755)
    environ = {
        **grid.environ,
        "PATH": f"{bin_folder}{os.pathsep}{grid.environ['PATH']}",
        "WRANGLER_SEND_METRICS": "false",
    }
    page = PAGE.read_text()
    found = play(page, grid.root, shell(grid.root, environ))
    if os.environ.get("CATTLEGRID_WRITE_PAGES"):
        PAGE.write_text(found)
    assert found == page, "run it with CATTLEGRID_WRITE_PAGES=1 and read the difference"
