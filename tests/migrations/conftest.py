from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from grid import Grid, account, make, running

from cattlegrid.cloudflare.client import Client
from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain


@pytest.fixture(scope="session")
def cloud_state(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One local Cloudflare for all these tests; each has names of its own."""
    yield from running(node_parts, tmp_path_factory.mktemp("cloud") / "state")


@pytest.fixture
def grid(cloud_state: Path, node_parts: Toolchain, tmp_path: Path) -> Iterator[Grid]:
    """A fleet without workers yet, on the local Cloudflare; faults that a test armed are gone afterwards."""
    with Client(account(cloud_state)) as client:
        yield make(tmp_path / "fleet", cloud_state, node_parts, client)
    daemon.disarm(cloud_state)
