from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cattlegrid.errors import ToolFailed
from cattlegrid.toolchain import Toolchain, locate


def test_the_pinned_wrangler_runs_on_the_pinned_node(node_parts: Toolchain) -> None:
    seen = subprocess.run([*node_parts.wrangler, "--version"], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "4.164.0"


def test_exactly_one_workerd_is_installed(node_parts: Toolchain) -> None:
    packages = list(node_parts.modules.rglob("workerd/package.json"))
    assert [package.parent.parent for package in packages if package.parent.name == "workerd"] == [node_parts.modules]


def test_an_unreachable_registry_is_told_with_the_next_command_and_leaves_nothing(tmp_path: Path) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.lower().startswith("npm_")},
        "CATTLEGRID_CACHE": str(tmp_path / "cache"),
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_fetch_retries": "0",
    }
    counted: list[tuple[int, int]] = []
    with pytest.raises(ToolFailed) as failure:
        locate(environ, progress=lambda done, total: counted.append((done, total)))
    assert all(done <= total for done, total in counted)
    assert "npm could not install wrangler and workerd" in str(failure.value)
    assert "registry can be reached" in failure.value.next
    assert list((tmp_path / "cache" / "node").iterdir()) == []


def test_the_module_prints_where_the_parts_are(node_parts: Toolchain) -> None:
    seen = subprocess.run(
        [sys.executable, "-m", "cattlegrid.toolchain"], capture_output=True, text=True, check=True
    ).stdout
    assert str(node_parts.workerd) in seen
