"""Faults on demand: what wrangler and a Worker's callers see of each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from clouds import Cloud, Project, until
from uploads import put, send

pytestmark = [pytest.mark.slow, pytest.mark.local_only]
SAYS = "export default { fetch: () => new Response('WORD') };\n"


@pytest.fixture
def cloud_with_faults(cloud: Cloud) -> Iterator[Cloud]:
    yield cloud
    cloud.result("DELETE", "/local/faults")


def arm(cloud: Cloud, kind: str, **more: Any) -> None:
    cloud.result("POST", "/local/faults", json={"kind": kind, **more})


def test_a_delay_holds_exactly_the_calls_it_was_armed_for(cloud_with_faults: Cloud) -> None:
    arm(cloud_with_faults, "delay", route="*/queues", seconds=1, count=1, skip=1)
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert cloud_with_faults.api("GET", "/queues").is_success
        took.append(time.monotonic() - began)
    assert [seconds >= 1 for seconds in took] == [False, True, False]


def test_wrangler_gets_over_a_500_and_a_429_of_an_upload_and_not_over_those_of_a_query(
    cloud_with_faults: Cloud, project: Project
) -> None:
    arm(cloud_with_faults, "500", method="PUT", route=f"*/scripts/{project.name}")
    arm(cloud_with_faults, "429", method="PUT", route=f"*/scripts/{project.name}", seconds=0, skip=1)
    project.run("deploy")
    until(lambda: project.get().text == "hello", what="the third attempt's deploy")
    arm(cloud_with_faults, "500", method="GET", route="*/d1/database*")
    ran = project.try_("d1", "list")
    assert ran.code != 0
    assert "An unknown error has occurred (a fault that was asked for) [code: 10013]" in ran.said


def test_an_upload_whose_answer_is_lost_has_had_its_effect_and_wranglers_retry_makes_another_version(
    cloud_with_faults: Cloud, project: Project
) -> None:
    project.run("deploy")
    arm(cloud_with_faults, "lost", method="POST", route=f"*/scripts/{project.name}/versions")
    project.run("deploy")
    versions = cloud_with_faults.result("GET", f"/workers/scripts/{project.name}/versions")["items"]
    live = cloud_with_faults.result("GET", f"/workers/scripts/{project.name}/deployments")["deployments"][0]
    assert [one["number"] for one in versions] == [3, 2, 1]
    assert [one["version_id"] for one in live["versions"]] == [versions[0]["id"]]


def test_edges_that_lag_answer_with_the_old_version_for_a_while_after_the_deployment(cloud_with_faults: Cloud) -> None:
    name = put(cloud_with_faults, SAYS.replace("WORD", "old"))
    until(lambda: cloud_with_faults.fetch(name).text == "old", what="the first version")
    arm(cloud_with_faults, "edge-lag", method="PUT", route=f"*/scripts/{name}", seconds=2)
    began = time.monotonic()
    assert send(cloud_with_faults, name, SAYS.replace("WORD", "new")).is_success
    (deployment, _) = cloud_with_faults.result("GET", f"/workers/scripts/{name}/deployments")["deployments"]
    newest = cloud_with_faults.result("GET", f"/workers/scripts/{name}/versions")["items"][0]
    assert deployment["versions"][0]["version_id"] == newest["id"]
    assert time.monotonic() - began > 2 or cloud_with_faults.fetch(name).text == "old"
    until(lambda: cloud_with_faults.fetch(name).text == "new", what="the edges follow")
    assert time.monotonic() - began >= 2


def test_a_cut_connection_and_a_page_that_is_no_json_are_seen_as_such(cloud_with_faults: Cloud) -> None:
    arm(cloud_with_faults, "cut", method="POST", route="*/queues")
    name = cloud_with_faults.name("q")
    with pytest.raises(httpx2.TransportError):
        cloud_with_faults.api("POST", "/queues", json={"queue_name": name})
    assert cloud_with_faults.result("GET", f"/queues?name={name}&page=1") == []
    arm(cloud_with_faults, "garbage", route="*/queues")
    assert "502 Bad Gateway" in cloud_with_faults.api("GET", "/queues").text
