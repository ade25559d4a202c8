"""Each wall of `doctor` is seen to stand, and seen to fall when what it looks for is planted."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cattlegrid.agents import walls
from cattlegrid.agents.walls import Ground, Look
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import EnvironmentSettings, Fleet, SecretPolicy


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """An empty home and repository, tokens that differ, a user who is not root, and no process but made-up ones."""
    for name in ("home", "fleet", "proc"):
        (tmp_path / name).mkdir()
    tokens = {Environment.STAGING: "STAGING_TOKEN", Environment.PRODUCTION: "PRODUCTION_TOKEN"}
    settings = {one: EnvironmentSettings(one, token=name) for one, name in tokens.items()}
    fleet = Fleet(tmp_path / "fleet", "crane", (), (), settings, SecretPolicy())
    environ = {"STAGING_TOKEN": "s", "PRODUCTION_TOKEN": "p", "XDG_RUNTIME_DIR": str(tmp_path)}
    return Ground(fleet, environ, tmp_path / "home", tmp_path / "proc", user=1000)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _key(ground: Ground) -> None:
    (ground.home / ".ssh").mkdir()
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(ground.home / ".ssh/id_ed25519")]
    subprocess.run(words, check=True)


PLANTED: list[tuple[Look, Callable[[Ground], None]]] = [
    (walls.wrangler_login, lambda g: put(g.home / ".config/.wrangler/config/default.toml", 'oauth_token = "x"')),
    (walls.readable_secrets, lambda g: put(g.fleet.root / "secrets/production.env", "KEY=x")),
    (walls.package_registry, lambda g: put(g.home / ".npmrc", "//registry/:_authToken=x")),
    (walls.git_credentials, lambda g: put(g.home / ".git-credentials", "https://a:b@example.invalid")),
    (walls.gh_token, lambda g: put(g.home / ".config/gh/hosts.yml", "oauth_token: x")),
    (walls.ssh_keys, _key),
    (walls.other_servers, lambda g: put(g.home / ".codex/config.toml", 'url = "https://mcp.cloudflare.com/mcp"')),
]


@pytest.mark.parametrize(("look", "plant"), PLANTED, ids=[look.__name__ for look, _ in PLANTED])
def test_a_wall_stands_until_the_fault_is_planted_and_then_says_how_to_mend_it(
    ground: Ground, look: Look, plant: Callable[[Ground], None]
) -> None:
    assert look(ground).outcome is Outcome.PASS
    plant(ground)
    fallen = look(ground)
    assert fallen.outcome is Outcome.FAIL
    assert fallen.fix


def test_a_process_that_shows_productions_token_is_named_and_its_value_is_not(ground: Ground) -> None:
    assert walls.processes(ground).outcome is Outcome.NOT_MEASURED
    put(ground.proc / "7/environ", "HOME=/\0PRODUCTION_TOKEN=p\0")
    put(ground.proc / "7/comm", "editor\n")
    fallen = walls.processes(ground)
    assert fallen.outcome is Outcome.FAIL
    assert fallen.detail == "editor (7)"


def test_equal_tokens_fail_and_absent_ones_are_not_measured(ground: Ground) -> None:
    assert walls.own_token(ground).outcome is Outcome.PASS
    equal = Ground(ground.fleet, {"STAGING_TOKEN": "p", "PRODUCTION_TOKEN": "p"}, ground.home)
    assert walls.own_token(equal).outcome is Outcome.FAIL
    assert walls.own_token(Ground(ground.fleet, {}, ground.home)).outcome is Outcome.NOT_MEASURED


def test_a_machine_without_bubblewrap_is_told(ground: Ground, tmp_path: Path) -> None:
    bare = Ground(ground.fleet, {"PATH": str(tmp_path)}, ground.home)
    assert walls.sandbox(bare).outcome is Outcome.FAIL
    assert walls.sandbox(bare).fix == "apt install bubblewrap"


def test_root_is_told(ground: Ground) -> None:
    assert walls.separate_user(ground).outcome is Outcome.PASS
    assert walls.separate_user(Ground(ground.fleet, {}, ground.home, user=0)).outcome is Outcome.FAIL
