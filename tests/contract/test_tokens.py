"""Who may ask what."""

from __future__ import annotations

from typing import Any

import pytest
from clouds import Cloud, Project

pytestmark = pytest.mark.slow

SCRIPT = "com.cloudflare.edge.worker.script."


def token(cloud: Cloud, *groups: str, scripts: tuple[str, ...] = ()) -> str:
    """A new token's value; revoked at the end."""
    resources = {SCRIPT + name: "*" for name in scripts} or {f"com.cloudflare.api.account.{cloud.account}": "*"}
    policy = {"effect": "allow", "permission_groups": [{"name": name} for name in groups], "resources": resources}
    made = cloud.result("POST", "/user/tokens", json={"name": cloud.name("token"), "policies": [policy]})
    cloud.discard(lambda: cloud.api("DELETE", f"/user/tokens/{made['id']}"))
    value: str = made["value"]
    return value


def test_a_bad_token_is_refused_as_wrangler_expects_and_wrangler_says_so(cloud: Cloud, tmp_path: Any) -> None:
    bad = "x" * 40
    assert cloud.refusal("GET", "/user/tokens/verify", token=bad) == (401, 1000)
    assert cloud.refusal("GET", "/workers/scripts", token=bad)[1] == 10000
    ran = cloud.wrangler("deployments", "list", "--name", "any", cwd=tmp_path, env={"CLOUDFLARE_API_TOKEN": bad})
    assert ran.code != 0
    assert "Authentication error" in ran.said
    assert "TypeError" not in ran.said
    assert bad not in ran.said


def test_a_call_without_a_token_is_refused(cloud: Cloud) -> None:
    assert cloud.client.get(f"{cloud.base_url}/accounts").status_code in {400, 401, 403}


def test_an_account_that_is_not_the_tokens_is_refused(cloud: Cloud) -> None:
    other = "/accounts/" + "f" * 32
    assert cloud.refusal("GET", f"{other}/workers/scripts") == (403, 10000)
    assert cloud.refusal("GET", f"{other}/d1/database") == (403, 7403)
    assert cloud.refusal("GET", "/accounts/nonsense/workers/scripts") == (404, 7003)


@pytest.mark.local_only
def test_a_token_without_d1_rights_deploys_workers_and_reaches_no_database(cloud: Cloud, project: Project) -> None:
    limited = token(cloud, "Workers Scripts Write", "Account Settings Read")
    assert cloud.refusal("GET", "/d1/database", token=limited) == (403, 7403)
    ran = cloud.wrangler("deploy", cwd=project.folder, env={"CLOUDFLARE_API_TOKEN": limited})
    assert ran.code == 0, ran.said


@pytest.mark.local_only
def test_a_reading_token_changes_nothing(cloud: Cloud, project: Project) -> None:
    project.run("deploy")
    reader = token(cloud, "Workers Scripts Read", "D1 Read")
    assert cloud.result("GET", f"/workers/scripts/{project.name}/settings", token=reader)["bindings"]
    assert cloud.refusal("DELETE", f"/workers/scripts/{project.name}", token=reader) == (403, 10000)
    assert cloud.refusal("POST", "/d1/database", token=reader, json={"name": "x"}) == (403, 7403)
    assert project.get().text == "hello"


@pytest.mark.local_only
def test_a_token_limited_to_one_worker_sees_no_other(cloud: Cloud, project: Project) -> None:
    project.run("deploy")
    limited = token(cloud, "Workers Scripts Write", scripts=("some-other-worker",))
    assert cloud.refusal("GET", f"/workers/scripts/{project.name}/settings", token=limited) == (403, 10000)
    assert cloud.refusal("DELETE", f"/workers/services/{project.name}?force=true", token=limited) == (403, 10000)
    assert cloud.result("GET", "/workers/scripts", token=limited) == []


@pytest.mark.local_only
def test_a_limited_token_reaches_no_local_administration(cloud: Cloud) -> None:
    limited = token(cloud, "Workers Scripts Write", "API Tokens Write")
    assert cloud.refusal("POST", "/local/faults", token=limited, json={"kind": "500"}) == (403, 10000)


@pytest.mark.local_only
def test_the_call_past_the_limit_is_429_with_the_seconds_to_wait(cloud: Cloud) -> None:
    limited = token(cloud, "Workers Scripts Read")
    me = cloud.result("GET", "/user/tokens/verify", token=limited)["id"]
    cloud.result("PUT", "/local/rate-limit", json={"calls": 3, "seconds": 300, "token_id": me})
    answers = [cloud.api("GET", "/workers/scripts", token=limited) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "300"
    assert answers[0].headers["Ratelimit-Policy"] == '"default";q=3;w=300'
    assert cloud.api("GET", "/workers/scripts").is_success
