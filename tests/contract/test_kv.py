from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

pytestmark = pytest.mark.slow
LIST = "/storage/kv/namespaces"


@dataclass(frozen=True)
class Namespace:
    api: httpx2.Client
    id: str
    title: str

    @property
    def path(self) -> str:
        return f"{LIST}/{self.id}"

    def value(self, key: str) -> str:
        return f"{self.path}/values/{quote(key, safe='')}"

    def names(self, **query: str) -> list[str]:
        return [key["name"] for key in self.api.get(f"{self.path}/keys", params=query).json()["result"]]


@pytest.fixture
def namespace(api: httpx2.Client) -> Iterator[Namespace]:
    title = f"cg-{uuid.uuid4().hex[:12]}"
    made = api.post(LIST, json={"title": title}).json()["result"]
    yield Namespace(api, made["id"], title)
    api.delete(f"{LIST}/{made['id']}")


def code(answer: httpx2.Response) -> tuple[int, int]:
    assert answer.json()["success"] is False
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_namespace_is_created_listed_renamed_and_deleted(namespace: Namespace) -> None:
    assert len(namespace.id) == 32
    shown = {"id": namespace.id, "title": namespace.title, "supports_url_encoding": True}
    assert namespace.api.get(namespace.path).json()["result"] == shown
    namespace.api.put(namespace.path, json={"title": f"{namespace.title}-new"})
    assert namespace.api.get(namespace.path).json()["result"]["title"] == f"{namespace.title}-new"
    assert namespace.api.delete(namespace.path).json()["success"]
    assert code(namespace.api.get(namespace.path)) == (404, 10013)


def test_a_taken_title_is_refused_with_10014(namespace: Namespace) -> None:
    assert code(namespace.api.post(LIST, json={"title": namespace.title})) == (400, 10014)


def test_a_page_past_the_end_of_the_list_is_empty_as_cloudflares_sdk_needs_it(namespace: Namespace) -> None:
    query = {"per_page": "1000", "order": "title", "direction": "asc"}
    first = namespace.api.get(LIST, params={**query, "page": "1"}).json()
    assert namespace.title in [one["title"] for one in first["result"]]
    assert first["result_info"]["total_count"] == len(first["result"])
    assert namespace.api.get(LIST, params={**query, "page": "2"}).json()["result"] == []


@pytest.mark.parametrize("key", ["plain", "a/b c?ü#%2F", "..x", "/lead", "end/", "👋"])
def test_bytes_come_back_under_any_key(namespace: Namespace, key: str) -> None:
    content = bytes(range(256))
    assert namespace.api.put(namespace.value(key), content=content).json()["success"]
    assert namespace.api.get(namespace.value(key)).content == content
    assert namespace.names() == [key]


def test_the_content_type_of_a_raw_value_means_nothing(namespace: Namespace) -> None:
    for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        namespace.api.put(namespace.value("k"), content=b"a=1", headers={"content-type": content_type})
        assert namespace.api.get(namespace.value("k")).content == b"a=1"


def test_a_form_writes_value_and_metadata(namespace: Namespace) -> None:
    files = {"value": (None, b"v"), "metadata": (None, json.dumps({"x": "é"}).encode())}
    assert namespace.api.put(namespace.value("k"), files=files).json()["success"]
    assert namespace.api.get(namespace.value("k")).content == b"v"
    assert namespace.api.get(f"{namespace.path}/metadata/k").json()["result"] == {"x": "é"}


def test_a_missing_key_is_10009_and_a_missing_namespace_10013(namespace: Namespace) -> None:
    assert code(namespace.api.get(namespace.value("nope"))) == (404, 10009)
    assert code(namespace.api.get(f"{LIST}/{'0' * 32}/values/k")) == (404, 10013)
    assert code(namespace.api.put(f"{LIST}/{'0' * 32}/values/k", content=b"x")) == (404, 10013)


def test_a_deleted_key_is_gone_and_deleting_it_again_is_no_error(namespace: Namespace) -> None:
    namespace.api.put(namespace.value("k"), content=b"x")
    for _ in range(2):
        assert namespace.api.delete(namespace.value("k")).json()["success"]
    assert code(namespace.api.get(namespace.value("k"))) == (404, 10009)


def test_keys_are_listed_by_prefix_in_pages_with_a_cursor(namespace: Namespace) -> None:
    pairs = [{"key": f"a{number:02}", "value": "x"} for number in range(25)] + [{"key": "b", "value": "x"}]
    assert namespace.api.put(f"{namespace.path}/bulk", json=pairs).json()["result"]["successful_key_count"] == 26
    found, cursor = list[str](), ""
    while True:
        query = {"prefix": "a", "limit": "10", "cursor": cursor}
        page = namespace.api.get(f"{namespace.path}/keys", params=query).json()
        found += [key["name"] for key in page["result"]]
        assert page["result_info"]["count"] == len(page["result"]) <= 10
        cursor = page["result_info"]["cursor"]
        if not cursor:
            break
    assert found == [f"a{number:02}" for number in range(25)]


def test_an_expiration_is_kept_and_shown(namespace: Namespace) -> None:
    later = int(time.time()) + 3600
    namespace.api.put(namespace.value("at"), content=b"x", params={"expiration": str(later)})
    namespace.api.put(namespace.value("ttl"), content=b"x", params={"expiration_ttl": "3600"})
    keys = namespace.api.get(f"{namespace.path}/keys").json()["result"]
    assert keys[0] == {"name": "at", "expiration": later}
    assert abs(keys[1]["expiration"] - later) <= 5
    assert namespace.api.get(namespace.value("at")).headers["expiration"] == str(later)


@pytest.mark.parametrize("query", [{"expiration_ttl": "59"}, {"expiration": "1"}, {"expiration_ttl": "soon"}])
def test_an_expiration_less_than_a_minute_away_is_refused(namespace: Namespace, query: dict[str, str]) -> None:
    answer = namespace.api.put(namespace.value("k"), content=b"x", params=query)
    assert answer.status_code == 400
    assert "Invalid expiration" in answer.json()["errors"][0]["message"]
    assert namespace.names() == []


def test_a_key_has_512_bytes_at_most(namespace: Namespace) -> None:
    assert namespace.api.put(namespace.value("k" * 512), content=b"x").json()["success"]
    assert namespace.api.put(namespace.value("é" * 257), content=b"x").status_code == 414


def test_a_value_has_25_mebibytes_at_most(namespace: Namespace) -> None:
    assert namespace.api.put(namespace.value("k"), content=b"x" * (25 << 20)).json()["success"]
    assert namespace.api.put(namespace.value("k"), content=b"x" * ((25 << 20) + 1)).status_code == 413
    assert len(namespace.api.get(namespace.value("k")).content) == 25 << 20


def test_bulk_writes_decode_base64_and_bulk_reads_give_null_for_what_is_missing(namespace: Namespace) -> None:
    pairs = [{"key": "a", "value": "aGk=", "base64": True, "metadata": {"m": 1}}, {"key": "b", "value": "2"}]
    namespace.api.put(f"{namespace.path}/bulk", json=pairs)
    read = namespace.api.post(f"{namespace.path}/bulk/get", json={"keys": ["a", "b", "zz"]}).json()["result"]
    assert read["values"] == {"a": "hi", "b": "2", "zz": None}


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/bulk"), ("POST", "/bulk/delete")])
def test_bulk_deletes_take_a_list_of_keys(namespace: Namespace, method: str, path: str) -> None:
    namespace.api.put(f"{namespace.path}/bulk", json=[{"key": key, "value": "x"} for key in "abc"])
    answer = namespace.api.request(method, namespace.path + path, json=["a", "b", "none"])
    assert answer.json()["result"] == {"successful_key_count": 3, "unsuccessful_keys": []}
    assert namespace.names() == ["c"]


@pytest.mark.parametrize("body", [{}, [{"key": "a"}], [{"key": "a", "value": "!", "base64": True}], [1]])
def test_a_malformed_bulk_write_writes_nothing(namespace: Namespace, body: object) -> None:
    assert namespace.api.put(f"{namespace.path}/bulk", json=body).status_code == 400
    assert namespace.names() == []


def test_wrangler_handles_namespaces(api: httpx2.Client, wrangler: Callable[..., str]) -> None:
    title = f"cg-{uuid.uuid4().hex[:12]}"
    assert "Success" in wrangler("kv", "namespace", "create", title)
    (made,) = [one for one in json.loads(wrangler("kv", "namespace", "list")) if one["title"] == title]
    assert "Deleted KV namespace" in wrangler("kv", "namespace", "delete", "--namespace-id", made["id"], "-y")
    assert title not in wrangler("kv", "namespace", "list")


def test_wrangler_handles_keys(namespace: Namespace, wrangler: Callable[..., str]) -> None:
    of = ("--namespace-id", namespace.id, "--remote")
    wrangler("kv", "key", "put", "a/b c", "hello", "--metadata", '{"x": 1}', *of)
    assert wrangler("kv", "key", "get", "a/b c", *of) == "hello"
    assert json.loads(wrangler("kv", "key", "list", *of)) == [{"name": "a/b c", "metadata": {"x": 1}}]
    wrangler("kv", "key", "delete", "a/b c", *of)
    assert json.loads(wrangler("kv", "key", "list", *of)) == []


def test_wrangler_handles_bulk(namespace: Namespace, wrangler: Callable[..., str], tmp_path: Path) -> None:
    of = ("--namespace-id", namespace.id, "--remote")
    (tmp_path / "put.json").write_text('[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]')
    (tmp_path / "keys.json").write_text('["a"]')
    wrangler("kv", "bulk", "put", "put.json", *of)
    assert '"a": "1"' in wrangler("kv", "bulk", "get", "keys.json", *of)
    wrangler("kv", "bulk", "delete", "keys.json", "-f", *of)
    assert namespace.names() == ["b"]
