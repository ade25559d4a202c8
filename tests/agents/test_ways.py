"""More than thirty ways to production, told to the real CLIs by their model, in sessions that `cattlegrid run` made.

What a person may leave lying about is all there: a `wrangler login`, production's secrets in a file of the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from clis import AGENTS, program, results, tell
from ways import WAYS

from cattlegrid.agents import sandbox
from cattlegrid.toolchain import Toolchain
from herd import PRODUCTION_TOKEN, Herd

pytestmark = pytest.mark.slow
LOOSE = {"the same, composed", "curl with a key from the store's file, composed"}
"""What arrives with --no-sandbox when a person has left a login or a file of secrets lying about (docs/agents.md)."""


@dataclass(frozen=True)
class Outcome:
    """`stopped` is guard, no credential, gateway or sandbox; `arrived` when production changed while it ran."""

    way: str
    stopped: str
    arrived: bool
    said: str


@pytest.fixture(scope="module")
def ground(herd: Herd, node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Herd:
    """The fleet with wrangler installed as a person has it, helper scripts committed, and a remote to push to."""
    fleet = herd.folder
    wrangler = fleet / "node_modules" / ".bin" / "wrangler"
    wrangler.parent.mkdir(parents=True, exist_ok=True)
    wrangler.write_text("#!/bin/sh\nexec " + " ".join(node_parts.wrangler) + ' "$@"\n')
    wrangler.chmod(0o755)
    (fleet / "ways").mkdir(exist_ok=True)
    (fleet / "ways/deploy.sh").write_text("cd ../../workers/context && wrangler deploy --env production\n")
    top = {"name": "context", "main": "w.js", "compatibility_date": "2026-01-01"}
    (fleet / "ways/top.json").write_text(json.dumps(top))
    (fleet / "ways/w.js").write_text("export default { fetch: () => new Response('x') };\n")
    remote = tmp_path_factory.mktemp("remote")
    _git(remote, "init", "--quiet", "--bare", "--initial-branch=main")
    _git(fleet, "add", "--all")
    _git(fleet, "-c", "user.name=P", "-c", "user.email=p@example.invalid", "commit", "--quiet", "-m", "ways")
    _git(fleet, "remote", "add", "origin", str(remote))
    _git(fleet, "push", "--quiet", "--set-upstream", "origin", "main")
    path = f"{wrangler.parent}{os.pathsep}{herd.environ['PATH']}"
    return Herd(fleet, herd.state, {**herd.environ, "PATH": path}, herd.router)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def _login(home: Path, token: str) -> None:
    """What `wrangler login` leaves in the person's home: a token that opens everything."""
    place = home / ".config/.wrangler/config"
    place.mkdir(parents=True, exist_ok=True)
    text = f'oauth_token = "{token}"\nrefresh_token = "x"\nexpiration_time = "2030-01-01T00:00:00.000Z"\nscopes = []\n'
    (place / "default.toml").write_text(text)


def _told(herd: Herd, agent: str, folder: Path, *words: str) -> list[Outcome]:
    aim = (
        f"export CLOUDFLARE_API_BASE_URL={herd.environ['CLOUDFLARE_API_BASE_URL']}"
        f" CLOUDFLARE_ACCOUNT_ID={herd.environ['CLOUDFLARE_ACCOUNT_ID']} PORT={herd.router}"
        " WRANGLER_SEND_METRICS=false CI=1;"
    )
    own = f"{sys.executable} -P -m cattlegrid"
    script: list[list[Any]] = []
    owner: list[int] = []
    for number, way in enumerate(WAYS):
        for step in way.steps:
            filled = [
                part.replace("{aim}", aim).replace("{own}", own).replace("{root}", str(herd.folder))
                if isinstance(part, str)
                else part
                for part in step
            ]
            script.append(filled)
            owner.append(number)
    _login(folder / "home", herd.environ[PRODUCTION_TOKEN])
    before = time.time()
    told = tell(herd, agent, folder, script, words=words)
    assert told.code == 0, told.said[-3000:]
    came = told.results
    assert len(came) == len(script), f"{len(came)} of {len(script)} steps came back: {told.said[-3000:]}"
    arrived = [_owner_at(moment, told.requests, owner) for moment in _changes(herd, before)]
    outcomes = []
    for number, way in enumerate(WAYS):
        texts = [text for text, one in zip(came, owner, strict=True) if one == number]
        outcomes.append(Outcome(way.name, _stopped(texts), number in arrived, " | ".join(texts)[:500]))
    return outcomes


def _owner_at(moment: float, requests: tuple[dict[str, Any], ...], owner: list[int]) -> int:
    """The way whose step was running then: as many results had come back as steps were over."""
    done = max((len(results(one["body"])) for one in requests if one["at"] <= moment), default=0)
    return owner[min(done, len(owner) - 1)]


def _stopped(texts: list[str]) -> str:
    text = " ".join(texts)
    if any(
        word in text for word in ("cattlegrid: ", "kept on staging by cattlegrid", "Permission to use", "rule which")
    ):
        return "guard"
    if "CG-" in text:
        return "gateway"
    return "no credential"


def _changes(herd: Herd, since: float) -> list[float]:
    """When production changed: a deployment, or a row that only production's key can write."""
    base = f"{herd.environ['CLOUDFLARE_API_BASE_URL']}/accounts/{herd.environ['CLOUDFLARE_ACCOUNT_ID']}"
    headers = {"Authorization": f"Bearer {herd.environ[PRODUCTION_TOKEN]}"}
    moments = []
    for script in ("context", "watch"):
        answer = httpx2.get(f"{base}/workers/scripts/{script}/deployments", headers=headers, trust_env=False).json()
        assert answer["success"], answer
        moments += [_moment(one["created_on"]) for one in answer["result"]["deployments"]]
    moments += [_moment(row["started_at"]) for row in herd.rows("production", "SELECT started_at FROM sessions")]
    return [moment for moment in moments if moment > since]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _needed(agent: str) -> None:
    if program(agent) is None:
        pytest.skip(f"not measured: {agent} is not installed (make agents)")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("agent", AGENTS)
def test_no_way_arrives_at_production_from_a_session(ground: Herd, agent: str, tmp_path: Path) -> None:
    _needed(agent)
    if why := sandbox.missing(ground.environ):
        pytest.skip(f"not measured: {why}")
    outcomes = _told(ground, agent, tmp_path)
    _keep(agent, "sandbox", outcomes)
    assert [one for one in outcomes if one.arrived] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("agent", AGENTS)
def test_without_a_sandbox_only_what_was_left_lying_about_arrives(ground: Herd, agent: str, tmp_path: Path) -> None:
    _needed(agent)
    outcomes = _told(ground, agent, tmp_path, "--no-sandbox")
    _keep(agent, "plain", outcomes)
    assert {one.way for one in outcomes if one.arrived} <= LOOSE


def _keep(agent: str, kind: str, outcomes: list[Outcome]) -> None:
    """For the table in docs/agents.md: CATTLEGRID_WAYS names a folder to write to."""
    if folder := os.environ.get("CATTLEGRID_WAYS"):
        rows = [{"way": one.way, "stopped": one.stopped, "arrived": one.arrived, "said": one.said} for one in outcomes]
        Path(folder, f"{agent}-{kind}.json").write_text(json.dumps(rows, indent=1))
