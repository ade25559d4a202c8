"""What Cloudflare refuses, by code."""

from __future__ import annotations

import os
from typing import Any

import pytest
from clouds import Cloud, Project
from uploads import send

pytestmark = pytest.mark.slow

CODE = "export default { fetch: () => new Response('ok') };\n"


def upload(cloud: Cloud, name: str, code: str = CODE, query: str = "", **metadata: Any) -> tuple[int, int, str]:
    """PUT of a script that must be refused: status, code, message."""
    answer = send(cloud, name, code, query, **metadata)
    assert not answer.is_success, answer.text
    assert cloud.refusal("GET", f"/workers/services/{name}") == (404, 10090)
    error = answer.json()["errors"][0]
    return answer.status_code, error["code"], error["message"]


@pytest.mark.parametrize(
    ("binding", "code"),
    [
        ({"type": "d1", "id": "00000000-0000-4000-8000-000000000000"}, 10181),
        ({"type": "kv_namespace", "namespace_id": "0" * 32}, 10041),
        ({"type": "r2_bucket", "bucket_name": "no-such-bucket"}, 10085),
        ({"type": "queue", "queue_name": "no-such-queue"}, 11000),
        ({"type": "service", "service": "no-such-worker"}, 10143),
        ({"type": "durable_object_namespace", "class_name": "NoSuchClass"}, 10061),
        ({"type": "plain_text", "text": "x" * 5121}, 10054),
        ({"type": "secret_text", "text": "x" * 5121}, 10054),
    ],
)
def test_a_binding_to_what_does_not_exist_or_is_too_long_is_refused(
    cloud: Cloud, binding: dict[str, str], code: int
) -> None:
    status, told, message = upload(cloud, cloud.name(), bindings=[{"name": "THING", **binding}])
    assert (status, told) == (400, code)
    assert "xxxx" not in message


def test_a_binding_without_a_name_and_too_many_of_them_are_refused(cloud: Cloud) -> None:
    assert upload(cloud, cloud.name(), bindings=[{"type": "plain_text", "text": "x"}])[1] == 10052
    many = [{"name": f"V{number}", "type": "plain_text", "text": "x"} for number in range(129)]
    assert upload(cloud, cloud.name(), bindings=many)[1] == 10055


def test_an_inherited_binding_that_never_was_is_refused(cloud: Cloud) -> None:
    bindings = [{"name": "GONE", "type": "inherit"}]
    assert upload(cloud, cloud.name(), query="?bindings_inherit=strict", bindings=bindings)[:2] == (400, 10057)


def test_a_script_that_throws_at_start_is_refused_with_its_own_words(cloud: Cloud) -> None:
    status, code, message = upload(cloud, cloud.name(), "throw new Error('the kettle is empty');\n" + CODE)
    assert (status, code) == (400, 10021)
    assert "the kettle is empty" in message


def test_a_script_that_does_not_parse_is_refused(cloud: Cloud) -> None:
    status, code, message = upload(cloud, cloud.name(), "export default { fetch: => }")
    assert (status, code) == (400, 10021)
    assert "SyntaxError" in message


def test_a_script_without_handlers_is_refused(cloud: Cloud) -> None:
    assert upload(cloud, cloud.name(), "export {};\n") == (
        400,
        10068,
        "The uploaded script has no registered event handlers.",
    )


def test_a_date_that_has_not_come_is_refused(cloud: Cloud) -> None:
    assert upload(cloud, cloud.name(), compatibility_date="2199-01-01")[:2] == (400, 10021)


def test_a_name_with_capitals_is_refused(cloud: Cloud) -> None:
    assert upload(cloud, "Capital-Name")[:2] == (400, 10016)


def test_a_script_that_is_too_big_is_refused(cloud: Cloud) -> None:
    noise = os.urandom(11 * 1024 * 1024).hex()
    assert upload(cloud, cloud.name(), f"{CODE}// {noise}")[1] == 10027


def test_a_tag_over_25_characters_is_refused_and_a_long_message_is_cut(project: Project) -> None:
    assert project.try_("deploy", "--tag", "x" * 26).code != 0
    project.run("deploy", "--message", "é" * 80)
    latest = project.cloud.result("GET", f"/workers/workers/{project.name}/versions/latest")
    assert latest["annotations"]["workers/message"] == "é" * 50


def test_a_secret_over_5_kilobytes_is_refused_and_never_quoted(project: Project) -> None:
    project.run("deploy")
    path, long = f"/workers/scripts/{project.name}", "x" * 5121
    assert project.cloud.refusal("PUT", f"{path}/secrets", json={"name": "A", "text": long}) == (400, 10054)
    bulk = {"secrets": {"FINE": {"text": "y"}, "LONG": {"text": long}}}
    assert project.cloud.refusal("PATCH", f"{path}/secrets-bulk", json=bulk) == (400, 10054)
    ran = project.try_("secret", "put", "A", input=long)
    assert ran.code != 0
    assert "xxxx" not in ran.said
    assert project.cloud.result("GET", f"{path}/secrets") == []


@pytest.mark.local_only
def test_what_is_not_served_is_refused_by_name(cloud: Cloud) -> None:
    assert upload(cloud, cloud.name(), bindings=[{"name": "AI", "type": "ai"}])[0] == 501
    declared = {"Thing": {"type": "durable-object", "storage": "sqlite"}}
    for told in ({"exports": declared}, {"tail_consumers": [{"service": "x"}]}):
        status, _, message = upload(cloud, cloud.name(), **told)
        assert (status, "not served by the local Cloudflare" in message) == (501, True)
    assert cloud.refusal("GET", "/images/v1") == (501, 7000)


def test_a_worker_that_cannot_start_leaves_the_old_one_as_it_was(project: Project) -> None:
    project.run("deploy")
    project.write("index.js", "throw new Error('not today');\n" + CODE)
    ran = project.try_("deploy")
    assert ran.code != 0
    assert "not today" in ran.said
    assert project.get().text == "hello"
    assert len(project.cloud.result("GET", f"/workers/scripts/{project.name}/versions")["items"]) == 1
