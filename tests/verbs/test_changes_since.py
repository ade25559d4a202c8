from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from cattlegrid.errors import UnknownWorker, UsageError
from cattlegrid.model.change import Changes
from cattlegrid.verbs.changes_since import changes_since
from cattlegrid.verbs.edge import Edge
from repositories import ENVIRON, Clone, fleet


def since(clone: Clone, base: str, *names: str) -> Changes:
    return changes_since(Edge(clone.root, ENVIRON), base, names)


def test_only_the_worker_whose_file_changed_is_reported_and_the_file_is_named(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    clone.commit({"workers/watch/src/index.ts": "export default {};\n"})
    report = since(clone, "HEAD~1")
    assert report.changed == ("watch",)
    watch = report.workers[1]
    assert [(file.path, file.how, file.because) for file in watch.files] == [
        ("workers/watch/src/index.ts", "modified", "the worker's own folder")
    ]


def test_a_locked_package_is_named_with_its_versions(tmp_path: Path) -> None:
    entries = {"": {}, "node_modules/zod": {"version": "4.0.0"}}
    files = {
        "package.json": "{}",
        "workers/watch/package.json": '{ "dependencies": { "zod": "*" } }',
        "package-lock.json": json.dumps({"lockfileVersion": 3, "packages": entries}),
    }
    clone = fleet(tmp_path, files)
    entries["node_modules/zod"]["version"] = "4.1.0"
    clone.commit({"package-lock.json": json.dumps({"lockfileVersion": 3, "packages": entries})})
    report = since(clone, "HEAD~1")
    assert report.changed == ("watch",)
    assert [(file.path, file.how) for file in report.workers[1].files] == [("node_modules/zod", "4.0.0 → 4.1.0")]


def test_uncommitted_files_are_left_out(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    clone.write({"workers/watch/src/index.ts": "export default {};\n"})
    assert since(clone, "HEAD").changed == ()


def test_a_commit_that_this_clone_does_not_have_is_named_with_the_command_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this clone has no commit HEAD~5") as caught:
        since(fleet(tmp_path), "HEAD~5")
    assert caught.value.next == "git fetch origin HEAD~5"


def test_a_misspelt_worker_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UnknownWorker, match="there is no worker 'wach'; did you mean 'watch'"):
        since(fleet(tmp_path), "HEAD", "wach")


def test_the_report_is_json(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    document = json.loads(json.dumps(dataclasses.asdict(since(clone, "HEAD"))))
    assert [worker["verdict"] for worker in document["workers"]] == ["unchanged", "unchanged"]
