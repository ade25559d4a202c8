from __future__ import annotations

import subprocess
from pathlib import Path

import big_tree
import fleets

from cattlegrid.model.environment import Environment
from cattlegrid.settings import load
from cattlegrid.wrangler import config


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True).stdout


def test_the_big_tree_holds_as_many_files_as_asked_and_is_the_same_each_time(tmp_path: Path) -> None:
    first = big_tree.build(tmp_path / "one", workers=20, files=500, teams=4)
    second = big_tree.build(tmp_path / "two", workers=20, files=500, teams=4)
    assert first.files == len(git(first.root, "ls-files").splitlines()) == 500
    assert git(first.root, "rev-parse", "HEAD") == git(second.root, "rev-parse", "HEAD")
    assert git(first.root, "status", "--porcelain") == ""


def test_the_big_tree_is_a_fleet_and_its_last_commit_touches_the_workers_it_says(tmp_path: Path) -> None:
    tree = big_tree.build(tmp_path, workers=20, files=500, teams=4)
    assert len(load(tree.root).workers) == 20
    touched = git(tree.root, "diff-tree", "-r", "--name-only", "HEAD~1", "HEAD").split()
    assert touched == ["packages/team-03/src/part-001.ts", "workers/worker-0007/src/part-001.ts"]
    of_team = {f"worker-{number:04}" for number in (3, 7, 11, 15, 19)}
    assert tree.changed == of_team | {"worker-0007"}


def test_a_fleet_has_both_environments_and_an_edit_is_committed(tmp_path: Path) -> None:
    fleet = fleets.write(tmp_path, "ours", 2)
    assert [worker.name for worker in load(tmp_path).workers] == ["ours-00", "ours-01"]
    file = fleet.folder("ours-01") / "wrangler.jsonc"
    assert config.resolve(file, Environment.STAGING).script == "ours-01-staging"
    assert config.resolve(file, Environment.PRODUCTION).script == "ours-01"
    fleet.edit(("ours-01",), "round 7")
    assert git(tmp_path, "show", "--format=%s", "--name-only").split("\n\n") == [
        "round 7",
        "workers/ours-01/src/mark.ts\n",
    ]
