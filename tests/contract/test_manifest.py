"""Secrets and plain variables in one new version: what `cattlegrid secrets push` and its manifest stand on."""

from __future__ import annotations

import pytest
from clouds import Project, until

pytestmark = pytest.mark.slow


def test_a_patch_of_the_latest_version_sets_a_secret_and_a_variable_and_goes_live_when_deployed(
    project: Project,
) -> None:
    project.run("deploy")
    [before] = project.cloud.result("GET", f"/workers/scripts/{project.name}/deployments")["deployments"][0]["versions"]
    env = {
        "GREETING": {"type": "plain_text", "text": "from a patch"},
        "KEY": {"type": "secret_text", "text": "a-secret-value"},
    }
    path = f"/workers/workers/{project.name}/versions/latest"
    headers = {"content-type": "application/merge-patch+json"}
    body = {"env": env, "annotations": {"workers/message": "cattlegrid secrets 0123"}}
    made = project.cloud.result("PATCH", path, json=body, headers=headers)
    assert project.get().text == "hello"
    share = {"strategy": "percentage", "versions": [{"version_id": made["id"], "percentage": 100}]}
    project.cloud.result("POST", f"/workers/scripts/{project.name}/deployments", json=share)
    until(lambda: project.get().text == "from a patch", what="the patched version answers")
    said = project.cloud.result("GET", f"/workers/scripts/{project.name}/versions/{made['id']}")
    assert {one["name"] for one in said["resources"]["bindings"]} == {"GREETING", "KEY"}
    assert said["annotations"]["workers/triggered_by"] == "secret"
    assert said["annotations"]["workers/message"] == "cattlegrid secrets 0123"
    old = project.cloud.result("GET", f"/workers/scripts/{project.name}/versions/{before['version_id']}")
    assert said["resources"]["script"]["etag"] == old["resources"]["script"]["etag"]
