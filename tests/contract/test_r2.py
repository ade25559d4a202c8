from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

pytestmark = pytest.mark.slow
BUCKETS = "/r2/buckets"


@dataclass(frozen=True)
class Bucket:
    api: httpx2.Client
    name: str

    @property
    def path(self) -> str:
        return f"{BUCKETS}/{self.name}"

    def object(self, key: str) -> str:
        return f"{self.path}/objects/{quote(key)}"

    def listed(self, **query: str) -> dict[str, Any]:
        return dict(self.api.get(f"{self.path}/objects", params=query).json())


@pytest.fixture
def bucket(api: httpx2.Client) -> Iterator[Bucket]:
    made = Bucket(api, f"cg-{uuid.uuid4().hex[:12]}")
    assert api.post(BUCKETS, json={"name": made.name}).json()["success"]
    yield made
    keys = [one["key"] for one in made.listed().get("result") or []]
    api.request("DELETE", f"{made.path}/objects", json=keys)
    api.delete(made.path)


def code(answer: httpx2.Response) -> tuple[int, int]:
    assert answer.json()["success"] is False
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_bucket_is_created_listed_and_deleted(bucket: Bucket) -> None:
    shown = bucket.api.get(bucket.path).json()["result"]
    assert (shown["name"], shown["storage_class"], shown["jurisdiction"]) == (bucket.name, "Standard", "default")
    listed = bucket.api.get(BUCKETS, params={"name_contains": bucket.name}).json()["result"]["buckets"]
    assert listed == [shown]
    assert bucket.api.delete(bucket.path).json()["success"]
    assert code(bucket.api.get(bucket.path)) == (404, 10006)


def test_a_taken_name_is_10004_and_a_bad_one_10005(bucket: Bucket) -> None:
    assert code(bucket.api.post(BUCKETS, json={"name": bucket.name})) == (409, 10004)
    for name in ("A", "x", "under_score", "-x-", "y" * 64):
        assert code(bucket.api.post(BUCKETS, json={"name": name})) == (400, 10005)


def test_the_body_of_a_create_is_json_though_it_says_text(api: httpx2.Client) -> None:
    made = Bucket(api, f"cg-{uuid.uuid4().hex[:12]}")
    headers = {"content-type": "text/plain;charset=UTF-8"}
    assert api.post(BUCKETS, content=f'{{"name": "{made.name}"}}', headers=headers).json()["success"]
    assert api.delete(made.path).json()["success"]


def test_buckets_of_another_jurisdiction_are_not_seen(bucket: Bucket) -> None:
    assert code(bucket.api.get(bucket.path, headers={"cf-r2-jurisdiction": "eu"})) == (404, 10006)


def test_an_object_keeps_its_bytes_and_headers(bucket: Bucket) -> None:
    content, key = bytes(range(256)) * 5000, "a/b c.bin"
    headers = {"content-type": "text/x", "cache-control": "max-age=3", "x-amz-meta-owner": "me"}
    put = bucket.api.put(bucket.object(key), content=content, headers=headers).json()["result"]
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert (put["key"], put["size"], put["etag"]) == (key, len(content), etag)
    got = bucket.api.get(bucket.object(key))
    assert got.content == content
    assert got.headers["etag"] == f'"{etag}"'
    assert {name: got.headers[name] for name in headers} == headers


def test_the_head_of_an_object_has_its_size_and_no_bytes(bucket: Bucket) -> None:
    bucket.api.put(bucket.object("k"), content=b"hello", headers={"content-type": "text/x"})
    head = bucket.api.head(bucket.object("k"))
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "5", b"")
    assert head.headers["content-type"] == "text/x"


def test_a_range_of_an_object_can_be_read(bucket: Bucket) -> None:
    bucket.api.put(bucket.object("k"), content=b"0123456789")
    got = bucket.api.get(bucket.object("k"), headers={"range": "bytes=2-4"})
    assert (got.status_code, got.content) == (206, b"234")


def test_a_missing_object_is_10007_and_a_missing_bucket_10006(bucket: Bucket) -> None:
    assert code(bucket.api.get(bucket.object("nope"))) == (404, 10007)
    assert code(bucket.api.put(f"{BUCKETS}/no-such-bucket/objects/k", content=b"x")) == (404, 10006)


def test_a_bucket_with_objects_cannot_be_deleted(bucket: Bucket) -> None:
    bucket.api.put(bucket.object("k"), content=b"x")
    assert code(bucket.api.delete(bucket.path)) == (409, 10008)
    bucket.api.delete(bucket.object("k"))
    assert code(bucket.api.get(bucket.object("k"))) == (404, 10007)


def test_objects_are_listed_by_prefix_in_pages_and_by_folders(bucket: Bucket) -> None:
    for key in ("a/1", "a/2", "a/3", "b"):
        bucket.api.put(bucket.object(key), content=b"x", headers={"content-type": "text/x"})
    first = bucket.listed(prefix="a/", per_page="2")
    assert [one["key"] for one in first["result"]] == ["a/1", "a/2"]
    assert first["result"][0]["http_metadata"] == {"contentType": "text/x"}
    second = bucket.listed(prefix="a/", per_page="2", cursor=first["result_info"]["cursor"])
    assert [one["key"] for one in second["result"]] == ["a/3"]
    assert second["result_info"]["is_truncated"] is False
    folders = bucket.listed(delimiter="/")
    assert ([one["key"] for one in folders["result"]], folders["result_info"]["delimited"]) == (["b"], ["a/"])


def test_an_empty_object_is_an_object(bucket: Bucket) -> None:
    assert bucket.api.put(bucket.object("empty"), content=b"").json()["result"]["size"] == 0
    assert bucket.api.get(bucket.object("empty")).content == b""


def test_wrangler_handles_buckets(wrangler: Callable[..., str]) -> None:
    name = f"cg-{uuid.uuid4().hex[:12]}"
    assert f"Created bucket '{name}'" in wrangler("r2", "bucket", "create", name)
    assert name in wrangler("r2", "bucket", "list")
    assert "object_count:" in wrangler("r2", "bucket", "info", name)
    assert f"Deleted bucket {name}" in wrangler("r2", "bucket", "delete", name)


def test_wrangler_handles_objects(bucket: Bucket, wrangler: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello")
    place = f"{bucket.name}/a b/c.txt"
    wrangler("r2", "object", "put", place, "--file", "in.txt", "--content-type", "text/x", "--remote")
    assert bucket.listed()["result"][0]["http_metadata"]["contentType"] == "text/x"
    wrangler("r2", "object", "get", place, "--file", "out.txt", "--remote")
    assert (tmp_path / "out.txt").read_text() == "hello"
    wrangler("r2", "object", "delete", place, "--remote")
    assert bucket.listed()["result"] == []


def test_wrangler_says_which_bucket_is_not_empty(bucket: Bucket, wrangler_fails: Callable[..., str]) -> None:
    bucket.api.put(bucket.object("k"), content=b"x")
    assert "is not empty" in wrangler_fails("r2", "bucket", "delete", bucket.name)
