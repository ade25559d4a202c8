from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from answering import CUT, Answering, Call, Says, answering, no, ok
from cattlegrid.clock import Clock
from cattlegrid.cloudflare import d1, deployments, secrets, versions
from cattlegrid.cloudflare.client import Client, InDoubt
from cattlegrid.errors import ApiError
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account

DEPLOYMENT = {
    "id": "d",
    "created_on": "2026-11-24T10:00:00Z",
    "versions": [{"version_id": "v1", "percentage": 100}],
    "annotations": {"workers/message": "m"},
}


class Waits(list[float]):
    """A clock whose waits are remembered and take no time."""

    def clock(self) -> Clock:
        return Clock(now=lambda: datetime(2026, 11, 24, tzinfo=UTC), monotonic=lambda: 0.0, sleep=self.append)


@contextmanager
def cloudflare(*answers: Says | Callable[[Call], Says]) -> Iterator[tuple[Client, Answering, Waits]]:
    """Each call gets the next answer; the last one is repeated."""
    queue = list(answers)

    def answer(call: Call) -> Says:
        said = queue.pop(0) if len(queue) > 1 else queue[0]
        return said if isinstance(said, Says) else said(call)

    waits = Waits()
    with answering(answer) as server:
        account = Account(f"{server.url}/client/v4", "acc", Secret("s3cret-token"))
        with Client(account, clock=waits.clock()) as client:
            yield client, server, waits


def test_a_call_carries_the_account_and_its_token() -> None:
    with cloudflare(ok({"subdomain": "local"})) as (client, server, _):
        assert client.get("/workers/subdomain") == {"subdomain": "local"}
    assert server.calls[0].path == "/client/v4/accounts/acc/workers/subdomain"
    assert server.calls[0].headers["authorization"] == "Bearer s3cret-token"


@pytest.mark.parametrize("trouble", [no(500, 10013, "oh"), no(503, 0, "busy"), no(429, 971, "throttled"), CUT])
def test_a_read_survives_one_bad_answer(trouble: Says) -> None:
    with cloudflare(trouble, ok([1])) as (client, server, waits):
        assert client.get("/x") == [1]
    assert len(server.calls) == 2
    assert waits == [0.25]


def test_retry_after_is_obeyed() -> None:
    with cloudflare(no(429, 971, "throttled", retry_after="7"), ok([])) as (client, _, waits):
        client.get("/x")
    assert waits == [7.0]


def test_a_long_retry_after_is_an_error_that_says_how_long() -> None:
    with cloudflare(no(429, 971, "throttled", retry_after="290")) as (client, server, _), pytest.raises(ApiError) as e:
        client.get("/x")
    assert (e.value.status, e.value.number, e.value.next) == (429, 971, "wait 290 s, then repeat the command")
    assert len(server.calls) == 1


def test_trouble_without_end_is_an_error_after_five_calls() -> None:
    with cloudflare(no(500, 10013, "unknown")) as (client, server, _), pytest.raises(ApiError) as e:
        client.get("/x")
    assert str(e.value) == "GET /x: unknown [code: 10013]"
    assert len(server.calls) == 5


def test_a_refused_token_is_named_as_such_and_never_shown() -> None:
    with cloudflare(no(403, 10000, "Authentication error")) as (client, _, _), pytest.raises(ApiError) as e:
        client.get("/x")
    assert e.value.next == "check the API token and its permissions: wrangler whoami"
    assert "s3cret-token" not in f"{e.value!r} {e.value} {client.account!r}"


def test_an_answer_that_is_not_json_is_an_error() -> None:
    with cloudflare(Says(200, b"<html>")) as (client, _, _), pytest.raises(ApiError, match="not JSON"):
        client.get("/x")


def test_nothing_listening_is_an_error_that_names_the_address() -> None:
    account = Account("http://127.0.0.1:9/client/v4", "acc", Secret("t"))
    with (
        Client(account, clock=Waits().clock()) as client,
        pytest.raises(ApiError, match=r"could not be reached at http://127\.0\.0\.1:9"),
    ):
        client.get("/x")


def test_pages_are_read_to_the_last() -> None:
    pages = [ok([{"n": 1}, {"n": 2}], total_count=3), ok([{"n": 3}], total_count=3)]
    with cloudflare(*pages) as (client, server, _):
        assert [item["n"] for item in client.pages("/x", per_page=2)] == [1, 2, 3]
    assert [call.path.split("?")[1] for call in server.calls] == ["page=1&per_page=2", "page=2&per_page=2"]


def test_pages_end_at_an_empty_page_when_nothing_tells_the_total() -> None:
    with cloudflare(ok([{"n": 1}]), ok([])) as (client, _, _):
        assert len(list(client.pages("/x", per_page=1))) == 1


def test_a_write_is_not_repeated_when_its_answer_is_lost() -> None:
    with cloudflare(CUT) as (client, server, _), pytest.raises(InDoubt):
        d1.write(client, "db", "INSERT INTO t VALUES (1)")
    assert len(server.calls) == 1


def test_a_write_that_was_throttled_is_repeated() -> None:
    with cloudflare(no(429, 971, "throttled"), ok([])) as (client, server, _):
        d1.write(client, "db", "INSERT INTO t VALUES (1)")
    assert len(server.calls) == 2


def test_a_deployment_whose_answer_was_lost_after_the_effect_is_made_once() -> None:
    with cloudflare(CUT, ok({"deployments": [DEPLOYMENT]})) as (client, server, _):
        deployments.create(client, "s", [("v1", 100.0)], "m")
    assert [call.method for call in server.calls] == ["POST", "GET"]


def test_a_deployment_whose_call_was_lost_before_the_effect_is_repeated() -> None:
    older = {**DEPLOYMENT, "versions": [{"version_id": "v0", "percentage": 100}]}
    with cloudflare(CUT, ok({"deployments": [older]}), ok({"id": "d"})) as (client, server, _):
        deployments.create(client, "s", [("v1", 100.0)], "m")
    assert [call.method for call in server.calls] == ["POST", "GET", "POST"]


def test_a_missing_script_has_no_deployments_versions_or_secrets() -> None:
    with cloudflare(no(404, 10007, "not found")) as (client, _, _):
        assert deployments.read(client, "s") == ()
        assert versions.newest(client, "s") == ()
        assert secrets.names(client, "s") == frozenset()


def test_the_address_is_derived_from_the_version_url() -> None:
    urls = {"urls": ["http://0a1b2c3d-context.local.localhost:8787/"]}
    with cloudflare(ok(urls)) as (client, _, _):
        address = versions.address(client, "context", "0a1b2c3d-0000-0000-0000-000000000000")
    assert address == "http://context.local.localhost:8787"


def test_the_address_falls_back_to_workers_dev() -> None:
    with cloudflare(ok({}), ok({"subdomain": "me"})) as (client, _, _):
        assert versions.address(client, "context", "0a1b2c3d") == "https://context.me.workers.dev"


def test_names_under_localhost_are_reached_and_keep_their_host_header() -> None:
    with answering(lambda _: Says(200, b"hi")) as server, Client(Account("http://x", "a", Secret("t"))) as client:
        port = server.url.rpartition(":")[2]
        assert client.http.get(f"http://context.local.localhost:{port}/").text == "hi"
    assert server.calls[0].headers["host"] == f"context.local.localhost:{port}"
    assert "authorization" not in server.calls[0].headers


def test_a_clock_that_is_an_hour_behind_is_known_by_the_answers_date() -> None:
    with cloudflare(ok([])) as (client, _, waits):
        client.get("/x")
        off = (datetime.now(UTC) - waits.clock().now()).total_seconds()
        assert client.behind == pytest.approx(off, abs=3)
    with answering(lambda _: ok([])) as server, Client(Account(server.url, "acc", Secret("t"))) as right:
        right.get("/x")
        assert right.behind == 0.0
