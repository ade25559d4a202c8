"""The contract suite asks one Cloudflare: the local one, or the account that three variables name.

CONTRACT_API_BASE_URL, CONTRACT_API_TOKEN and CONTRACT_ACCOUNT_ID point it at a real account, in which it makes and
deletes databases, namespaces, buckets and Workers whose names begin with `contract-`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from d1_calls import Database, create

from cattlegrid.toolchain import Toolchain

REAL = ("CONTRACT_API_BASE_URL", "CONTRACT_API_TOKEN", "CONTRACT_ACCOUNT_ID")


@dataclass(frozen=True)
class Cloud:
    """`base_url` ends with /client/v4."""

    base_url: str
    token: str
    account: str
    local: bool

    def client(self, path: str) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=self.base_url + path, headers=headers, timeout=90, trust_env=False)


@pytest.fixture(scope="session")
def cloud(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    if all(name in os.environ for name in REAL):
        base_url, token, account = (os.environ[name] for name in REAL)
        yield Cloud(base_url, token, account, local=False)
        return
    state = tmp_path_factory.mktemp("cloud")
    port, router_port = free_port(), free_port()
    argv = [sys.executable, "-m", "cattlegrid.local", "serve", "--state", str(state)]
    argv += ["--node", str(node_parts.node), "--modules", str(node_parts.modules)]
    argv += ["--port", str(port), "--router-port", str(router_port)]
    log = state.with_suffix(".log")
    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=output) as server:
        try:
            yield started(f"http://127.0.0.1:{port}/client/v4", state / "token", server, log)
        finally:
            server.terminate()


def started(base_url: str, token: Path, server: subprocess.Popen[bytes], log: Path) -> Cloud:
    """Waits until the server answers, and takes its rate limit away."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        if token.is_file() and token.read_text():
            cloud = Cloud(base_url, token.read_text().strip(), "", local=True)
            with cloud.client("") as client:
                try:
                    account = client.get("/accounts").json()["result"][0]["id"]
                except httpx2.TransportError:
                    time.sleep(0.05)
                    continue
                client.put("/local/rate-limit", json={"calls": 1_000_000, "seconds": 300})
                return Cloud(base_url, cloud.token, account, local=True)
        time.sleep(0.05)
    pytest.fail(f"the local Cloudflare did not start:\n{log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def api(cloud: Cloud) -> Iterator[httpx2.Client]:
    """The account's part of the API."""
    with cloud.client(f"/accounts/{cloud.account}") as client:
        yield client


@pytest.fixture
def local_api(cloud: Cloud) -> Iterator[httpx2.Client]:
    """The whole API, for what only the local one has."""
    if not cloud.local:
        pytest.skip("only the local Cloudflare has this")
    with cloud.client("") as client:
        yield client


@pytest.fixture
def database(api: httpx2.Client) -> Iterator[Database]:
    """A new database, deleted afterwards."""
    made = create(api, f"contract-{uuid.uuid4().hex[:12]}")
    yield made
    api.delete(made.path)


Wrangler = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_wrangler(cloud: Cloud, node_parts: Toolchain, tmp_path: Path) -> Wrangler:
    """Runs the real wrangler in the test's own folder with nothing of this machine's environment but the path."""

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / ".home"),
            "CLOUDFLARE_API_BASE_URL": cloud.base_url,
            "CLOUDFLARE_API_TOKEN": cloud.token,
            "CLOUDFLARE_ACCOUNT_ID": cloud.account,
            "WRANGLER_SEND_METRICS": "false",
            "CI": "1",
            "NO_COLOR": "1",
        }
        argv = (*node_parts.wrangler, *argv)
        return subprocess.run(
            argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def wrangler(run_wrangler: Wrangler) -> Callable[..., str]:
    """Runs wrangler and gives its standard output; a failure fails the test."""

    def run(*argv: str) -> str:
        done = run_wrangler(*argv)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def wrangler_fails(run_wrangler: Wrangler) -> Callable[..., str]:
    """Runs wrangler and gives all it printed; success fails the test."""

    def run(*argv: str) -> str:
        done = run_wrangler(*argv)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run
