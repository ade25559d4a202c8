from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from grid import Grid, account, make

from cattlegrid.cloudflare.client import Client
from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain


@pytest.fixture(scope="session")
def cloud_state(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One local Cloudflare for all these tests; each has names of its own."""
    state = tmp_path_factory.mktemp("cloud") / "state"
    running = daemon.up(state, node=node_parts.node, modules=node_parts.modules)
    env = daemon.env(state)
    headers = {"Authorization": f"Bearer {env['CLOUDFLARE_API_TOKEN']}"}
    with httpx2.Client(trust_env=False, headers=headers, timeout=60) as client:
        client.put(f"{running.base_url}/local/rate-limit", json={"calls": 100_000}).raise_for_status()
    yield state
    daemon.reset(state)


@pytest.fixture
def grid(cloud_state: Path, node_parts: Toolchain, tmp_path: Path) -> Iterator[Grid]:
    """A fleet without workers yet, on the local Cloudflare; faults that a test armed are gone afterwards."""
    with Client(account(cloud_state)) as client:
        yield make(tmp_path / "fleet", cloud_state, node_parts, client)
    daemon.disarm(cloud_state)
