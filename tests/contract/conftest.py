from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from d1_calls import Database, create


@dataclass(frozen=True)
class Cloud:
    base_url: str
    token: str
    account: str


@pytest.fixture(scope="session")
def cloud() -> Cloud:
    return Cloud(os.environ["CONTRACT_BASE_URL"], os.environ["CONTRACT_TOKEN"], os.environ["CONTRACT_ACCOUNT"])


@pytest.fixture
def api(cloud: Cloud) -> Iterator[httpx2.Client]:
    """The account's part of the API."""
    base = f"{cloud.base_url}/accounts/{cloud.account}"
    headers = {"Authorization": f"Bearer {cloud.token}"}
    with httpx2.Client(base_url=base, headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def database(api: httpx2.Client) -> Iterator[Database]:
    """A new database, deleted afterwards."""
    made = create(api, f"contract-{uuid.uuid4().hex[:12]}")
    yield made
    api.delete(made.path)


@pytest.fixture
def wrangler(cloud: Cloud, tmp_path: Path) -> Callable[..., str]:
    """Runs wrangler in a folder of its own and gives its standard output; a failure fails the test."""

    def run(*argv: str) -> str:
        done = _wrangler(cloud, tmp_path, argv)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def wrangler_fails(cloud: Cloud, tmp_path: Path) -> Callable[..., str]:
    """Runs wrangler and gives all it printed; success fails the test."""

    def run(*argv: str) -> str:
        done = _wrangler(cloud, tmp_path, argv)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def _wrangler(cloud, tmp_path, argv):
    import subprocess

    return subprocess.run(["/tmp/probe/w2.sh", str(tmp_path), *argv], capture_output=True, text=True, timeout=120)
