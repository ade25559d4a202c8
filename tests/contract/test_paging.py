"""The four ways in which Cloudflare's lists come in pages. (D1's and KV's own lists are in their files.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from clouds import Cloud
from test_refusals import CODE
from uploads import put

pytestmark = pytest.mark.slow
Page = Callable[[dict[str, str]], dict[str, Any]]


def page_of(cloud: Cloud, path: str) -> Page:
    def page(query: dict[str, str]) -> dict[str, Any]:
        answer = cloud.api("GET", path, params=query)
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return page


@pytest.fixture
def queues(cloud: Cloud) -> list[str]:
    names = [cloud.name("q") for _ in range(3)]
    for name in names:
        made = cloud.result("POST", "/queues", json={"queue_name": name})
        cloud.discard(lambda made=made: cloud.api("DELETE", f"/queues/{made['queue_id']}"))
    return names


def test_queues_come_in_numbered_pages_whose_info_tells_when_to_stop(cloud: Cloud, queues: list[str]) -> None:
    page = page_of(cloud, "/queues")
    seen, number = list[str](), 1
    while True:
        body = page({"page": str(number), "per_page": "2"})
        info = body["result_info"]
        seen += [one["queue_name"] for one in body["result"]]
        if info["page"] * info["per_page"] >= info["total_count"]:
            break
        number += 1
    assert set(queues) <= set(seen)
    assert len(seen) == len(set(seen)) == info["total_count"]


@pytest.mark.parametrize("path", ["/accounts", "/memberships", "/workers/durable_objects/namespaces"])
def test_accounts_memberships_and_namespaces_have_all_that_a_numbered_page_needs(cloud: Cloud, path: str) -> None:
    info = page_of(cloud, path)({"page": "1", "per_page": "50"})["result_info"]
    assert {"page", "per_page", "count", "total_count"} <= info.keys()
    assert page_of(cloud, path)({"page": "9", "per_page": "50"})["result"] == []


@pytest.mark.local_only
def test_the_routes_of_a_zone_come_by_cursor_until_it_is_empty(cloud: Cloud) -> None:
    zone = f"{cloud.name('zone')}.example"
    name = put(cloud, CODE)
    wanted = [{"pattern": f"{zone}/{letter}/*", "zone_name": zone} for letter in "abc"]
    cloud.result("PUT", f"/workers/scripts/{name}/routes", json=wanted)
    (found,) = page_of(cloud, "/zones")({"name": zone, "account.id": cloud.account})["result"]
    page = page_of(cloud, f"/zones/{found['id']}/workers/routes")
    seen, cursor = list[str](), ""
    while True:
        body = page({"per_page": "2", **({"cursor": cursor} if cursor else {})})
        seen += [one["pattern"] for one in body["result"]]
        cursor = body["result_info"]["cursor"]
        if not cursor:
            break
    assert seen == [one["pattern"] for one in wanted]


def test_versions_come_newest_first_in_pages_that_end(cloud: Cloud) -> None:
    name = put(cloud, CODE)
    for number in (2, 3):
        put(cloud, CODE + f"// {number}\n", name=name)
    page = page_of(cloud, f"/workers/workers/{name}/versions")
    pages = [page({"per_page": "2", "page": str(number)})["result"] for number in (1, 2, 3)]
    assert [[one["number"] for one in found] for found in pages] == [[3, 2], [1], []]


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"per_page": "-1"}])
def test_a_page_that_cannot_be_is_refused(cloud: Cloud, query: dict[str, str]) -> None:
    assert cloud.api("GET", "/queues", params=query).status_code == 400
