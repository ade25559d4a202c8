"""The guard as a hook asks it: what it refuses, what it lets through, and that it fails closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cattlegrid.agents import guard, session
from cattlegrid.agents.session import Session
from cattlegrid.model.environment import Environment


@pytest.fixture
def fleet(tmp_path: Path) -> Session:
    """A repository with one worker, whose production is `[env.production]`, script `context`."""
    (tmp_path / "workers/context").mkdir(parents=True)
    (tmp_path / "package.json").write_text(
        json.dumps({"scripts": {"ship": "sh tools/ship.sh", "deploy": "wrangler deploy"}})
    )
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/ship.sh").write_text("cd workers/context\nnpx wrangler deploy --env production\n")
    return Session(
        id="s",
        fleet="crane",
        root=str(tmp_path),
        environment=Environment.STAGING,
        production=("2b8447b7-ad22-47b4-a0d2-b9dbedf9d446", "context-production", "PRODUCTION_API_TOKEN"),
        scripts=("context",),
        flags={"workers/context": "production"},
    )


def reason(fleet: Session, command: str, **more: Any) -> str:
    return guard.judge(fleet, "Bash", {"command": command, **more}, Path(fleet.root)).reason


@pytest.mark.parametrize(
    "command",
    [
        "wrangler deploy --env production",
        "npx -y wrangler@4 deploy -e production",
        "CLOUDFLARE_ENV=production wrangler deploy",
        "wr\\angler deploy --env production",
        "npm run ship",
        "sh tools/../tools/ship.sh",
        "wrangler d1 execute context-production --remote --command 'DROP TABLE x'",
        "wrangler delete context",
        "curl -X PUT https://api.cloudflare.com/client/v4/accounts/a/workers/scripts/x",
        "curl https://context.example.workers.dev/admin",
        "cattlegrid promote --release abc",
        "cattlegrid smoke --env production",
        "env -u CLOUDFLARE_API_TOKEN wrangler whoami",
        "cat secrets/production.env",
        "cat /proc/1/environ",
        "wrangler login",
        "gh workflow run production.yml",
        "tmux send-keys -t 0 'cattlegrid allow x' Enter",
    ],
)
def test_what_touches_production_is_refused_with_what_to_do_instead(fleet: Session, command: str) -> None:
    said = reason(fleet, command)
    assert said.startswith("cattlegrid: ")
    assert "Instead: " in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "command",
    [
        "ls -la",
        "git commit -m 'production looks fine'",
        "wrangler deploy",
        "npm run deploy",
        "wrangler deploy --dry-run --env production",
        "wrangler d1 execute DB --remote --command 'SELECT 1'",
        "curl https://context-staging.example.workers.dev/health",
        "cattlegrid deploy",
        "cattlegrid promote --dry-run",
        "grep -rn production src",
    ],
)
def test_the_work_of_every_day_passes(fleet: Session, command: str) -> None:
    assert reason(fleet, command) == ""


def test_a_bare_deploy_is_refused_where_the_top_level_is_production(fleet: Session) -> None:
    top = fleet._replace(flags={"workers/context": ""})
    assert "top level" in reason(top, "cd workers/context && wrangler deploy")
    assert reason(top, "cd workers/context && wrangler deploy --env staging") == ""


def test_files_that_decide_what_reaches_production_are_not_written(fleet: Session, tmp_path: Path) -> None:
    (tmp_path / "innocent.toml").symlink_to(tmp_path / "cattlegrid.toml")
    for name in ("cattlegrid.toml", "./src/../cattlegrid.toml", ".github/workflows/ci.yml", "innocent.toml"):
        assert not guard.judge(fleet, "Write", {"file_path": name, "content": ""}, tmp_path).allowed
    assert guard.judge(fleet, "Write", {"file_path": "src/index.ts", "content": ""}, tmp_path).allowed


def test_a_server_of_the_agents_own_does_not_reach_the_account(fleet: Session) -> None:
    for tool, given in (("mcp__cloudflare__execute", {"code": "1"}), ("mcp__db__query", {"id": "context-production"})):
        assert not guard.judge(fleet, tool, given, Path(fleet.root)).allowed
    assert guard.judge(fleet, "mcp__cattlegrid__deploy", {}, Path(fleet.root)).allowed


def hook(folder: Path | None, given: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **({session.VARIABLE: str(folder)} if folder else {})}
    argv = [sys.executable, "-P", "-m", "cattlegrid", "guard"]
    return subprocess.run(argv, input=given, env=environ, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("given", ["", "not json", "[]", '{"tool_input": 5}', '"text"'])
def test_whatever_cannot_be_judged_is_blocked(fleet: Session, tmp_path: Path, given: str) -> None:
    session.write(fleet, tmp_path)
    assert hook(tmp_path, given).returncode == 2


def test_without_its_session_the_hook_blocks(tmp_path: Path) -> None:
    asked = json.dumps({"tool_name": "Bash", "tool_input": {"command": "ls"}})
    for folder in (None, tmp_path):
        assert hook(folder, asked).returncode == 2


def test_neither_guard_nor_banner_imports_what_is_heavy() -> None:
    code = (
        "import sys, cattlegrid.cli.guard, cattlegrid.cli.banner;"
        "print(sorted({'mcp', 'mcp_types', 'pydantic', 'httpx2', 'anyio', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
