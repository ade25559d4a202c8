"""`cattlegrid local`, typed as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from homes import Home

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain

pytestmark = pytest.mark.slow
Type = Callable[..., subprocess.CompletedProcess[str]]
CRON = """
let ran = "never";
export default {
  fetch: () => new Response(ran),
  async scheduled(event) { if (event.cron === "1 1 1 1 1") throw new Error("no"); ran = event.cron; },
};
"""


@pytest.fixture
def type_(tmp_path: Path) -> Iterator[Type]:
    """In a repository of its own, whose local Cloudflare ends with the test."""
    (tmp_path / "cattlegrid.toml").write_text('[fleet]\nname = "typed"\n')

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "cattlegrid", "local", *words]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)

    yield run
    daemon.reset(tmp_path / ".cattlegrid" / "local")


def test_it_comes_up_says_where_it_is_goes_down_and_is_thrown_away(type_: Type, tmp_path: Path) -> None:
    down = type_("status")
    assert (down.returncode, "is not running\n  next: cattlegrid local up" in down.stdout) == (1, True)
    up = type_("up")
    assert (up.returncode, up.stderr) == (0, "")
    assert 'next: eval "$(cattlegrid local env)"' in up.stdout
    told = json.loads(type_("status", "--json").stdout)
    assert told["running"] is True
    assert told["base_url"] in up.stdout
    assert (tmp_path / ".cattlegrid" / ".gitignore").read_text() == "*\n"
    env = type_("env").stdout
    assert f"export CLOUDFLARE_API_BASE_URL={told['base_url']}\n" in env
    token = (tmp_path / ".cattlegrid" / "local" / "token").read_text()
    assert f"export CLOUDFLARE_API_TOKEN={token}\n" in env
    assert token not in up.stdout + str(told)
    assert json.loads(type_("up", "--json").stdout)["pid"] == told["pid"]
    assert type_("down").stdout == "stopped; its state stays\n"
    refused = type_("env")
    assert (refused.returncode, "next: cattlegrid local up" in refused.stderr) == (1, True)
    assert type_("reset").returncode == 0
    assert not (tmp_path / ".cattlegrid" / "local").exists()


def test_faults_are_armed_listed_and_cleared_and_crons_are_fired(
    type_: Type, tmp_path: Path, node_parts: Toolchain
) -> None:
    assert type_("up").returncode == 0
    armed = type_("fault", "500", "--route", "*/queues", "--count", "2", "--json")
    (fault,) = json.loads(armed.stdout)
    assert (fault["kind"], fault["route"], fault["count"], fault["hit"]) == ("500", "*/queues", 2, 0)
    assert "kind=500" in type_("fault", "list").stdout
    assert type_("fault", "clear").stdout == "no fault is armed\n"
    misspelt = type_("fault", "50")
    assert (misspelt.returncode, "fault delay | 429 | 500" in misspelt.stderr) == (2, True)

    with httpx2.Client(trust_env=False) as client:
        made = Home(tmp_path / ".cattlegrid" / "local", node_parts, client)
        assert made.put("timer", CRON).is_success
        made.result("PUT", "/workers/scripts/timer/schedules", json=[{"cron": "0 3 * * *"}, {"cron": "1 1 1 1 1"}])
        assert type_("cron", "timer").stdout == "timer  0 3 * * *  ok\n"
        assert made.ask("timer").text == "0 3 * * *"
    threw = type_("cron", "timer", "1 1 1 1 1")
    assert (threw.returncode, "exception" in threw.stdout) == (1, True)
    unknown = type_("cron", "timer", "5 5 5 5 5")
    assert (unknown.returncode, "has no schedule '5 5 5 5 5'" in unknown.stderr) == (1, True)
