"""Versions, deployments by percentage, rollback, secrets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from clouds import Project, until

pytestmark = pytest.mark.slow

UPLOADED = re.compile(r"Worker Version ID: ([0-9a-f-]{36})")


def upload(project: Project, greeting: str, *words: str) -> str:
    project.config(vars={"GREETING": greeting})
    found = UPLOADED.search(project.run("versions", "upload", *words))
    assert found
    return found[1]


def live(project: Project) -> list[dict[str, Any]]:
    path = f"/workers/scripts/{project.name}/deployments"
    versions: list[dict[str, Any]] = project.cloud.result("GET", path)["deployments"][0]["versions"]
    return versions


def overridden(project: Project, version: str) -> str:
    header = {"Cloudflare-Workers-Version-Overrides": f'{project.name}="{version}"'}
    return project.get(headers=header).text


def test_an_uploaded_version_gets_traffic_only_when_it_is_deployed(project: Project) -> None:
    project.run("deploy")
    first = live(project)[0]["version_id"]
    second = upload(project, "second", "--tag", "t2", "--message", "words")
    assert project.get().text == "hello"
    listed = project.run("versions", "list", "--json")
    assert [one["id"] for one in json.loads(listed)] == [first, second]
    assert "words" in project.run("versions", "view", second)

    project.run("versions", "deploy", f"{first}@100%", f"{second}@0%", "--yes")
    assert {one["version_id"]: one["percentage"] for one in live(project)} == {first: 100, second: 0}
    until(lambda: overridden(project, second) == "second", what="the override reaches the version at 0 %")
    assert {project.get().text for _ in range(20)} == {"hello"}

    project.run("versions", "deploy", f"{first}@50%", f"{second}@50%", "--yes")
    until(lambda: {project.get().text for _ in range(40)} == {"hello", "second"}, what="both versions answer")

    project.run("versions", "deploy", f"{second}@100%", "--yes", "--message", "all of it")
    until(lambda: project.get().text == "second", what="all traffic is switched")
    assert "all of it" in project.run("deployments", "list")
    assert second in project.run("deployments", "status")

    third = upload(project, "third")
    project.run("versions", "deploy", third, "--yes")
    project.run("rollback", "--yes", "--message", "back one")
    until(lambda: project.get().text == "second", what="the rollback to the one before")
    project.run("rollback", first, "--yes", "--message", "back to the first")
    until(lambda: project.get().text == "hello", what="the rollback to a named version")
    assert [one["version_id"] for one in live(project)] == [first]


def test_a_version_answers_at_the_address_that_the_api_gives(project: Project) -> None:
    project.run("deploy")
    second = upload(project, "only here")
    path = f"/workers/workers/{project.name}/versions/{second}"
    (url,) = project.cloud.result("GET", path)["urls"]
    assert f"{second[:8]}-{project.name}." in url
    until(lambda: project.get(version=second).text == "only here", what="the version's own address")


def test_secrets_make_versions_of_the_same_code_that_are_live_at_once(project: Project) -> None:
    project.write("index.js", "export default { fetch: (r, env) => new Response([env.A, env.B, env.C].join()) };\n")
    project.config()
    project.run("deploy")
    before = project.cloud.result("GET", f"/workers/scripts/{project.name}/versions/{live(project)[0]['version_id']}")
    said = project.run("secret", "put", "A", input="value-of-a")
    assert "value-of-a" not in said
    until(lambda: project.get().text == "value-of-a,,", what="the secret is bound")
    after = project.cloud.result("GET", f"/workers/scripts/{project.name}/versions/{live(project)[0]['version_id']}")
    assert after["annotations"]["workers/triggered_by"] == "secret"
    assert after["resources"]["script"]["etag"] == before["resources"]["script"]["etag"]
    assert after["number"] == before["number"] + 1
    project.run("secret", "bulk", input=json.dumps({"B": "b", "C": "c"}))
    until(lambda: project.get().text == "value-of-a,b,c", what="the bulk is bound")
    project.run("secret", "delete", "B")
    until(lambda: project.get().text == "value-of-a,,c", what="the deleted one is gone")
    assert json.loads(project.run("secret", "list")) == [
        {"name": "A", "type": "secret_text"},
        {"name": "C", "type": "secret_text"},
    ]
    gone = project.cloud.refusal("DELETE", f"/workers/scripts/{project.name}/secrets/B?url_encoded=true")
    assert gone == (404, 10056)


def test_a_secret_for_a_worker_that_does_not_exist_makes_a_draft(project: Project) -> None:
    project.run("secret", "put", "EARLY", input="bird")
    names = project.cloud.result("GET", f"/workers/scripts/{project.name}/secrets")
    assert names == [{"name": "EARLY", "type": "secret_text"}]
    project.write("index.js", "export default { fetch: (r, env) => new Response(env.EARLY) };\n")
    project.run("deploy")
    until(lambda: project.get().text == "bird", what="the deploy keeps the draft's secret")


def test_a_secret_is_refused_while_the_latest_version_is_not_deployed(project: Project) -> None:
    project.run("deploy")
    upload(project, "not live")
    ran = project.try_("secret", "put", "A", input="x")
    assert ran.code != 0
    path = f"/workers/scripts/{project.name}"
    assert project.cloud.refusal("PUT", f"{path}/secrets", json={"name": "A", "text": "x"}) == (400, 10215)
    form = {"settings": (None, json.dumps({"usage_model": "standard"}))}
    assert project.cloud.refusal("PATCH", f"{path}/settings", files=form) == (400, 10214)


def test_versions_secret_makes_a_version_without_traffic_and_going_back_is_asked_about(project: Project) -> None:
    project.write("index.js", "export default { fetch: (r, env) => new Response(env.A ?? 'none') };\n")
    project.config()
    project.run("deploy")
    first = live(project)[0]["version_id"]
    project.run("versions", "secret", "put", "A", "--message", "with a", input="one")
    project.run("versions", "secret", "bulk", input=json.dumps({"B": "two"}))
    assert project.get().text == "none"
    newest = json.loads(project.run("versions", "list", "--json"))[-1]
    project.run("versions", "deploy", f"{newest['id']}@100%", "--yes")
    until(lambda: project.get().text == "one", what="the version with secrets is live")
    body = {"strategy": "percentage", "versions": [{"version_id": first, "percentage": 100}]}
    path = f"/workers/scripts/{project.name}/deployments"
    answer = project.cloud.api("POST", path, json=body)
    assert answer.json()["errors"][0]["code"] == 10220
    assert "The following secrets have changed: A, B" in answer.json()["errors"][0]["message"]
    assert project.cloud.api("POST", f"{path}?force=true", json=body).is_success
    until(lambda: project.get().text == "none", what="the forced way back")


def test_percentages_that_do_not_add_up_are_refused(project: Project) -> None:
    project.run("deploy")
    version = live(project)[0]["version_id"]
    path = f"/workers/scripts/{project.name}/deployments"
    half = {"strategy": "percentage", "versions": [{"version_id": version, "percentage": 50}]}
    assert project.cloud.refusal("POST", path, json=half)[0] == 400
    unknown = {"strategy": "percentage", "versions": [{"version_id": "0" * 36, "percentage": 100}]}
    assert project.cloud.refusal("POST", path, json=unknown)[0] in {400, 404}
    assert [one["version_id"] for one in live(project)] == [version]
