from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from standing import KEYS, Cloud, Standing, stand

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain, cache_folder


@pytest.fixture(scope="session")
def cloud(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One local Cloudflare for all of these tests; each has a fleet of its own on it."""
    state = tmp_path_factory.mktemp("cloud") / "state"
    running = daemon.up(state, node=node_parts.node, modules=node_parts.modules, idle_seconds=20)
    try:
        with httpx2.Client(trust_env=False, timeout=60) as http:
            env = daemon.env(state)
            made = Cloud(running.base_url, running.router_port, running.account, env["CLOUDFLARE_API_TOKEN"], http)
            made.result("PUT", "/local/rate-limit", json={"calls": 1_000_000})
            yield made
    finally:
        daemon.reset(state)


@pytest.fixture
def new_fleet(cloud: Cloud, tmp_path: Path) -> Iterator[Callable[..., Standing]]:
    """Makes a fleet with nothing deployed; what the commands said must never have held a secret."""
    made: list[Standing] = []

    def make(*workers: str) -> Standing:
        cache = {"CATTLEGRID_CACHE": str(cache_folder(os.environ))}
        made.append(stand(cloud, tmp_path / f"fleet{len(made)}", cache, workers or ("alpha", "beta")))
        return made[-1]

    yield make
    cloud.disarm()
    for standing in made:
        said = "".join(standing.said)
        assert not [secret for secret in (*KEYS.values(), cloud.token) if secret in said]


@pytest.fixture
def fleet(new_fleet: Callable[..., Standing]) -> Standing:
    """Two Workers, `beta` bound to `alpha`."""
    return new_fleet()


@pytest.fixture
def alpha(new_fleet: Callable[..., Standing]) -> Standing:
    """One Worker with one database."""
    return new_fleet("alpha")
