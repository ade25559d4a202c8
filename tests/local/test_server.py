from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import uvicorn

from cattlegrid.local import api, tokens
from cattlegrid.local.connections import Connection
from cattlegrid.local.control import Control
from cattlegrid.local.server import App
from cattlegrid.local.state import open_state

ACCOUNT = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[httpx2.Client]:
    """The control plane without a runtime: what needs none."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    ready = threading.Event()
    servers: list[uvicorn.Server] = []

    def run() -> None:
        api.load()
        state = open_state(tmp_path / "state")
        tokens.create_account(state.db, tokens.Account(ACCOUNT, "a", "local", "e@localhost", "2026-01-01T00:00:00Z"))
        tokens.adopt(state.db, "main-token", "main", tokens.EVERYTHING)
        control = Control(state, None, port, 0)  # type: ignore[arg-type]
        servers.append(uvicorn.Server(uvicorn.Config(App(control), http=Connection, ws="none", lifespan="off")))
        ready.set()
        asyncio.run(servers[0].serve(sockets=[listener]))
        state.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(10)
    headers = {"Authorization": "Bearer main-token"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}/client/v4", headers=headers, trust_env=False) as client:
        yield client
    servers[0].should_exit = True
    thread.join(10)


def code(answer: httpx2.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_every_answer_carries_a_ray_and_the_rate_limit(cloud: httpx2.Client) -> None:
    answer = cloud.get("/user/tokens/verify")
    assert answer.json()["result"]["status"] == "active"
    assert answer.headers["Ratelimit"].startswith('"default";r=1199;t=')
    assert answer.headers["CF-Ray"].endswith("-LCL")


def test_a_bad_token_is_told_apart_by_route_as_wrangler_expects(cloud: httpx2.Client) -> None:
    bad = {"Authorization": "Bearer nonsense"}
    assert code(cloud.get("/user/tokens/verify", headers=bad)) == (401, 1000)
    assert code(cloud.get("/user", headers=bad)) == (403, 9109)
    assert code(cloud.get("/accounts", headers=bad)) == (401, 10000)


def test_a_malformed_authorization_header_is_6003(cloud: httpx2.Client) -> None:
    assert code(cloud.get("/accounts", headers={"Authorization": "Basic abc"})) == (400, 6003)


def test_what_is_not_served_answers_501_and_names_itself(cloud: httpx2.Client) -> None:
    answer = cloud.get(f"/accounts/{ACCOUNT}/images/v1")
    assert answer.status_code == 501
    assert f"GET /client/v4/accounts/{ACCOUNT}/images/v1 is not served" in answer.json()["errors"][0]["message"]


def test_nothing_is_told_to_a_caller_without_a_token_not_even_what_is_served(cloud: httpx2.Client) -> None:
    del cloud.headers["Authorization"]
    assert code(cloud.get("/local/status")) == (400, 9106)
    assert code(cloud.get("/nonsense")) == (400, 9106)


def test_a_page_that_reaches_loopback_under_its_own_name_is_refused(cloud: httpx2.Client) -> None:
    assert cloud.get("/user", headers={"Host": "evil.example"}).status_code == 403


def test_an_unknown_account_and_a_malformed_one_are_refused_differently(cloud: httpx2.Client) -> None:
    assert code(cloud.get("/accounts/" + "f" * 32)) == (403, 10000)
    assert code(cloud.get("/accounts/nonsense")) == (404, 7003)


def test_the_call_past_the_quota_is_429_and_blocks_the_token(cloud: httpx2.Client) -> None:
    cloud.put("/local/rate-limit", json={"calls": 2, "seconds": 60})
    answers = [cloud.get("/user") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert 58 <= int(answers[2].headers["Retry-After"]) <= 60
    assert cloud.get("/local/status").status_code == 200


def test_a_cut_connection_gives_no_answer_and_the_next_call_works(cloud: httpx2.Client) -> None:
    cloud.post("/local/faults", json={"kind": "cut", "method": "GET", "route": "/user"})
    with pytest.raises(httpx2.TransportError):
        cloud.get("/user")
    assert cloud.get("/user").status_code == 200


def test_a_lost_answer_has_had_its_effect(cloud: httpx2.Client) -> None:
    cloud.post("/local/faults", json={"kind": "lost", "method": "POST", "route": "/user/tokens"})
    policy = {"effect": "allow", "permission_groups": [{"name": "D1 Read"}], "resources": {}}
    with pytest.raises(httpx2.TransportError):
        cloud.post("/user/tokens", json={"name": "reader", "policies": [policy]})
    assert [one["name"] for one in cloud.get("/user/tokens").json()["result"]] == ["main", "reader"]


def test_equal_seeds_hit_equal_calls(cloud: httpx2.Client) -> None:
    def run() -> list[int]:
        cloud.delete("/local/faults")
        cloud.post("/local/faults", json={"kind": "500", "route": "/user", "count": 99, "chance": 0.5, "seed": 7})
        return [cloud.get("/user").status_code for _ in range(12)]

    first = run()
    assert set(first) == {200, 500}
    assert run() == first


def test_a_fault_with_a_misspelt_field_is_refused_by_name(cloud: httpx2.Client) -> None:
    answer = cloud.post("/local/faults", json={"kind": "500", "rout": "/user"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("rout: there is no such field")


def test_a_token_without_the_right_is_refused(cloud: httpx2.Client) -> None:
    policy = {"effect": "allow", "permission_groups": [{"name": "D1 Read"}], "resources": {}}
    value = cloud.post("/user/tokens", json={"name": "reader", "policies": [policy]}).json()["result"]["value"]
    limited = {"Authorization": f"Bearer {value}"}
    assert code(cloud.get("/user/tokens", headers=limited)) == (403, 10000)
    assert code(cloud.get("/local/faults", headers=limited)) == (403, 10000)
    assert cloud.get("/user", headers=limited).status_code == 200
