"""The real agent CLIs in sessions that `cattlegrid run` made, each told what to do by a scripted model on loopback."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from clis import AGENTS, program, tell

from herd import Herd

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(params=AGENTS)
def agent(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if program(name) is None:
        pytest.skip(f"not measured: {name} is not installed (make agents)")
    return name


def test_person_and_model_see_the_environment_and_a_call_lands_on_staging(
    herd: Herd, agent: str, tmp_path: Path
) -> None:
    title = f"written by {agent}"
    script = [["mcp", "start_session", {"agent": agent, "title": title}], ["shell", "env"]]
    told = tell(herd, agent, tmp_path, script, words=("vc",))
    assert told.code == 0, told.said
    assert "Environment: staging  http://context-staging." in told.said
    assert "Environment: staging  http://context-staging." in told.prompts
    made, environ = told.results
    assert "Environment: staging (worker context" in made
    assert [row["title"] for row in herd.rows("staging", "SELECT title FROM sessions")].count(title) == 1
    assert title not in [row["title"] for row in herd.rows("production", "SELECT title FROM sessions")]
    for name in ("STAGING_API_TOKEN", "PRODUCTION_API_TOKEN"):
        assert herd.environ[name] not in environ + told.prompts + told.said


def test_a_venture_without_staging_warns_person_and_model_and_its_writes_wait(
    herd: Herd, agent: str, tmp_path: Path
) -> None:
    title = f"refused to {agent}"
    script = [["mcp", "recent_sessions", {"limit": 1}], ["mcp", "start_session", {"agent": agent, "title": title}]]
    told = tell(herd, agent, tmp_path, script, words=("ke",))
    assert "!!! WARNING: venture ke has no staging. THIS SESSION IS PRODUCTION" in told.said
    assert "THIS SESSION IS PRODUCTION" in told.prompts
    read, write = told.results
    assert "THIS SESSION IS PRODUCTION" in read
    assert "cattlegrid allow" in write
    assert title not in [row["title"] for row in herd.rows("production", "SELECT title FROM sessions")]


def test_the_repository_and_the_home_are_left_as_they_were(herd: Herd, agent: str, tmp_path: Path) -> None:
    tell(herd, agent, tmp_path, [["shell", "true"]])
    status = subprocess.run(["git", "status", "--short"], cwd=herd.folder, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    for path in (tmp_path / "home").rglob("*"):
        if path.suffix in {".json", ".toml"} and path.is_file():
            assert "-m cattlegrid" not in path.read_text("utf-8", "replace"), path
