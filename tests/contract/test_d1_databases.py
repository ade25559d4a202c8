from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import httpx2
import pytest
from d1_calls import Database, create

pytestmark = pytest.mark.slow


def code(answer: httpx2.Response) -> tuple[int, int]:
    assert answer.json()["success"] is False
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_new_database_is_found_by_name_and_by_uuid_with_what_wrangler_shows(database: Database) -> None:
    by_name = database.api.get(f"/d1/database/{database.name}").json()["result"]
    by_uuid = database.api.get(database.path).json()["result"]
    assert by_name == by_uuid
    assert (by_uuid["uuid"], by_uuid["name"], by_uuid["version"]) == (database.uuid, database.name, "production")
    assert (by_uuid["num_tables"], by_uuid["read_replication"]) == (0, {"mode": "disabled"})
    assert by_uuid["file_size"] > 0


def test_only_the_fields_asked_for_are_given(database: Database) -> None:
    answer = database.api.get(f"/d1/database/{database.name}", params={"fields": "uuid,name"})
    assert answer.json()["result"] == {"uuid": database.uuid, "name": database.name}


def test_an_unknown_name_or_uuid_is_http_404_and_7404(api: httpx2.Client) -> None:
    assert code(api.get(f"/d1/database/nobody-{uuid.uuid4().hex}")) == (404, 7404)
    assert code(api.post(f"/d1/database/{uuid.uuid4()}/query", json={"sql": "SELECT 1"})) == (404, 7404)


def test_a_query_to_what_is_no_uuid_is_malformed(api: httpx2.Client) -> None:
    answer = api.post("/d1/database/2/query", json={"sql": "SELECT 1"})
    assert code(answer) == (400, 7400)
    assert answer.json()["errors"][0]["message"] == "The request is malformed: failed to decode id"


def test_a_second_database_of_the_same_name_is_refused_with_7502(database: Database) -> None:
    answer = database.api.post("/d1/database", json={"name": database.name})
    assert code(answer) == (400, 7502)


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "a b"}, {"name": 1}, {"name": "ok", "jurisdiction": "mars"}]
)
def test_a_database_that_cannot_be_is_malformed(api: httpx2.Client, body: object) -> None:
    assert code(api.post("/d1/database", json=body)) == (400, 7400)


def test_the_list_ends_with_a_short_page_and_then_empty_ones(api: httpx2.Client, databases: list[str]) -> None:
    query = {"name": databases[0][:-1], "per_page": "2"}
    pages = [api.get("/d1/database", params={**query, "page": str(page)}).json()["result"] for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert sorted(one["name"] for page in pages for one in page) == sorted(databases)


@pytest.fixture
def databases(api: httpx2.Client) -> Iterator[list[str]]:
    stem = f"cg-{uuid.uuid4().hex[:12]}"
    made = [create(api, f"{stem}{number}") for number in range(3)]
    yield [one.name for one in made]
    for one in made:
        api.delete(one.path)


def test_jurisdiction_and_read_replication_are_kept(api: httpx2.Client) -> None:
    made = create(api, f"cg-{uuid.uuid4().hex[:12]}", jurisdiction="eu")
    changed = api.put(made.path, json={"read_replication": {"mode": "auto"}}).json()["result"]
    assert (changed["jurisdiction"], changed["read_replication"]) == ("eu", {"mode": "auto"})
    api.delete(made.path)


def test_a_deleted_database_is_gone_and_its_name_is_free_for_an_empty_one(database: Database) -> None:
    database.raw("CREATE TABLE t (a)")
    assert database.api.delete(database.path).json()["success"]
    assert code(database.post("query", {"sql": "SELECT * FROM t"})) == (404, 7404)
    again = create(database.api, database.name)
    assert database.api.get(again.path).json()["result"]["num_tables"] == 0
    database.api.delete(again.path)


def test_wrangler_creates_lists_shows_and_deletes(wrangler: Callable[..., str]) -> None:
    name = f"cg-{uuid.uuid4().hex[:12]}"
    assert f"Successfully created DB '{name}'" in wrangler("d1", "create", name)
    assert name in wrangler("d1", "list", "--json")
    assert f'"name": "{name}"' in wrangler("d1", "info", name, "--json")
    assert f"Deleted '{name}' successfully" in wrangler("d1", "delete", name, "-y")
    assert name not in wrangler("d1", "list", "--json")
