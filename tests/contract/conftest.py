"""One suite that says what Cloudflare does. By default it starts a local Cloudflare of its own.

Pointed at a real account with CATTLEGRID_CONTRACT=real and wrangler's own three variables: CLOUDFLARE_API_BASE_URL
(https://api.cloudflare.com/client/v4), CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID. It then creates Workers, databases,
namespaces, buckets and queues whose names begin with `cg-` and a random word, and deletes them at the end; tests
marked `local_only` (faults, tokens, kill -9, addresses on loopback) are skipped.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from clouds import REAL, Cloud, Project, make_project
from d1_calls import Database, create

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain


@pytest.fixture(scope="session")
def cloud(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("home")
    with httpx2.Client(trust_env=False, timeout=60) as client:
        made = _real(node_parts, home, client) if REAL else _local(node_parts, home, client, tmp_path_factory)
        yield made
        for undo in reversed(made.rubbish):
            undo()
    if made.state is not None:
        daemon.reset(made.state)


def _real(parts: Toolchain, home: Path, client: httpx2.Client) -> Cloud:
    base, token, account = (
        os.environ[name] for name in ("CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID")
    )
    return Cloud(base, token, account, parts, home, None, None, client)


def _local(parts: Toolchain, home: Path, client: httpx2.Client, folders: pytest.TempPathFactory) -> Cloud:
    state = folders.mktemp("cloud") / "state"
    running = daemon.up(state, node=parts.node, modules=parts.modules)
    env = daemon.env(state)
    workers = f"http://127.0.0.1:{running.router_port}"
    token, account = env["CLOUDFLARE_API_TOKEN"], env["CLOUDFLARE_ACCOUNT_ID"]
    made = Cloud(running.base_url, token, account, parts, home, workers, state, client)
    # The suite makes more than 1,200 calls in five minutes; the limit has its own test with its own token.
    made.api("PUT", "/local/rate-limit", json={"calls": 100_000})
    return made


@pytest.fixture(autouse=True)
def _local_only(request: pytest.FixtureRequest) -> None:
    if REAL and request.node.get_closest_marker("local_only"):
        pytest.skip("makes sense on the local Cloudflare only")


@pytest.fixture
def project(cloud: Cloud, tmp_path: Path) -> Project:
    """A Worker that answers with its GREETING; deleted at the end of the session."""
    return make_project(cloud, tmp_path, "w")


@pytest.fixture
def api(cloud: Cloud) -> Iterator[httpx2.Client]:
    """The account's part of the API."""
    headers = {"Authorization": f"Bearer {cloud.token}"}
    base = f"{cloud.base_url}/accounts/{cloud.account}"
    with httpx2.Client(base_url=base, headers=headers, timeout=90, trust_env=False) as client:
        yield client


@pytest.fixture
def database(api: httpx2.Client) -> Iterator[Database]:
    """A new database, deleted afterwards."""
    made = create(api, f"cg-{uuid.uuid4().hex[:12]}")
    yield made
    api.delete(made.path)


@pytest.fixture
def local_api(cloud: Cloud) -> Iterator[httpx2.Client]:
    """The whole API, for what only the local one has."""
    if REAL:
        pytest.skip("only the local Cloudflare has this")
    headers = {"Authorization": f"Bearer {cloud.token}"}
    with httpx2.Client(base_url=cloud.base_url, headers=headers, timeout=90, trust_env=False) as client:
        yield client


@pytest.fixture
def wrangler(cloud: Cloud, tmp_path: Path) -> Callable[..., str]:
    """Runs wrangler in a folder of its own and gives its standard output; a failure fails the test."""
    return lambda *argv: cloud.done(*argv, cwd=tmp_path)


@pytest.fixture
def wrangler_fails(cloud: Cloud, tmp_path: Path) -> Callable[..., str]:
    """Runs wrangler and gives all it printed; success fails the test."""

    def run(*argv: str) -> str:
        ran = cloud.wrangler(*argv, cwd=tmp_path)
        assert ran.code != 0, ran.said
        return ran.said

    return run
