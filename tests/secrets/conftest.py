from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from fleet import GOOD, SETTINGS, SecretFleet, environ_of, lay_out
from keys import person

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain

_SERVER = Path(__file__).with_name("infisical_server.py")


@contextmanager
def _serving(*options: str) -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(_SERVER), *options], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        yield program.stdout.readline().strip()
        program.kill()


@pytest.fixture
def infisical() -> Iterator[str]:
    """The address of a new, empty stand-in."""
    with _serving() as url:
        yield url


@pytest.fixture
def old_infisical() -> Iterator[str]:
    """One that knows version 3 of the API only."""
    with _serving("--only-v3") as url:
        yield url


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., SecretFleet]]:
    """A fleet with both stores made, and values for the isolated secrets of staging and production."""
    with httpx2.Client() as http:

        def make(settings: str = SETTINGS, *, filled: bool = True) -> SecretFleet:
            ann, machine = person("Ann"), person("machine")
            environ = environ_of(tmp_path / "home", {})
            fleet = SecretFleet(
                tmp_path / "fleet", lay_out(tmp_path / "fleet", settings), ann, machine, environ, http, "", ""
            )
            fleet.done("secrets", "init", "--name", "Ann")
            if filled:
                for environment in ("staging", "production"):
                    fleet.done("secrets", "generate", "--env", environment)
                fleet.done("secrets", "set", "HOOK_SECRET", "--both", input=GOOD)
            return fleet

        yield make


@pytest.fixture(scope="session")
def standing(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretFleet]:
    """Both environments deployed by cattlegrid, secrets from SOPS files. Shared: tests put back what they change."""
    base = tmp_path_factory.mktemp("secrets")
    running = daemon.up(base / "state", node=node_parts.node, modules=node_parts.modules, idle_seconds=60)
    names = ("CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID")
    env = daemon.env(base / "state")
    try:
        with httpx2.Client(trust_env=False, timeout=60) as http:
            fleet = SecretFleet(
                root=base / "fleet",
                clone=lay_out(base / "fleet"),
                ann=person("Ann"),
                machine=person("the agents' machine"),
                environ=environ_of(base / "home", {name: env[name] for name in names}),
                http=http,
                base_url=running.base_url,
                router=f"http://127.0.0.1:{running.router_port}",
            )
            _deploy(fleet)
            yield fleet
    finally:
        daemon.reset(base / "state")


def _deploy(fleet: SecretFleet) -> None:
    fleet.api("PUT", "/local/rate-limit", json={"calls": 1_000_000})
    fleet.done("secrets", "init", "--name", "Ann")
    fleet.done("secrets", "recipients", "add", fleet.machine.public, "--name", fleet.machine.name)
    for environment in ("staging", "production"):
        fleet.done("secrets", "generate", "--env", environment)
    fleet.done("secrets", "set", "HOOK_SECRET", "--both", input="hook-secret-of-an-outside-service")
    fleet.clone.commit(message="secrets")
    fleet.done("deploy")
    release = fleet.done("promote", "--dry-run", "--json").json["plan"]["release"]
    fleet.done("promote", "--release", release)


@pytest.fixture
def fleet(standing: SecretFleet) -> Iterator[SecretFleet]:
    """The standing fleet; nothing that a test makes it print may hold one of its values."""
    standing.said.clear()
    values = {
        standing.value(name, environment)
        for environment in ("staging", "production")
        for name in ("API_KEY", "WATCH_KEY", "HOOK_SECRET")
    }
    yield standing
    standing.api("DELETE", "/local/faults")
    said = "".join(standing.said)
    assert not [value for value in (*values, standing.environ["CLOUDFLARE_API_TOKEN"]) if value in said]
