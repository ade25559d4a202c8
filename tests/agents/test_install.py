"""`install` and `uninstall`: an agent's own files in the repository, as a person sees them."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from cattlegrid.agents.install import INSTALLED
from cattlegrid.cli.demo.stage import lay_out
from herd import COMMAND, Herd

THEIRS = {
    ".mcp.json": '{\n  "mcpServers": {"own": {"command": "own"}}\n}',
    ".claude/settings.json": '{ "permissions": {"deny": ["Bash(rm:*)"]},  "model": "x" }\r\n',
    ".codex/config.toml": '# mine\nmodel = "x"\n\n[mcp_servers.own]\ncommand = "own"   # stays\n',
    ".gemini/settings.json": '{\n\t// mine\n\t"theme": "dark",\n\t"mcpServers": {},\n}\n',
    "opencode.json": '{"mcp":{"own":{"type":"local","command":["own"]}}}\n',
    ".cursor/mcp.json": '\ufeff{"mcpServers": {}}',
    ".vscode/mcp.json": '{\n  // inputs\n  "inputs": [],\n  "servers": {\n    "own": {"command": "own"},\n  },\n}\n',
}
Run = Callable[..., str]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    lay_out(tmp_path / "fleet")
    return tmp_path / "fleet"


@pytest.fixture
def run(fleet: Path, tmp_path: Path) -> Run:
    def run(*words: str, expect: int = 0, asked: str = "") -> str:
        environ = {"PATH": str(Path(COMMAND).parent), "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
        done = subprocess.run(
            [COMMAND, *words], cwd=fleet, env=environ, input=asked, capture_output=True, text=True, check=False
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def tree(fleet: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(fleet)): path.read_bytes() if path.is_file() else None for path in fleet.rglob("*")}


def content(path: Path) -> str:
    text = path.read_text()
    return json.dumps(tomllib.loads(text)) if path.suffix == ".toml" else text


@pytest.mark.parametrize("agent", INSTALLED)
def test_where_there_was_nothing_there_is_nothing_again(fleet: Path, run: Run, agent: str) -> None:
    before = tree(fleet)
    run("install", agent)
    added = {name for name, body in tree(fleet).items() if name not in before and body is not None}
    assert added <= THEIRS.keys()
    assert any('"cattlegrid"' in content(fleet / name) for name in added)
    run("uninstall", agent)
    assert tree(fleet) == before


@pytest.mark.parametrize("agent", INSTALLED)
def test_a_persons_own_files_keep_their_words_and_come_back_byte_for_byte(fleet: Path, run: Run, agent: str) -> None:
    for name, text in THEIRS.items():
        (fleet / name).parent.mkdir(exist_ok=True)
        (fleet / name).write_bytes(text.encode())
    before = tree(fleet)
    run("install", agent, "--venture", "vc")
    changed = [name for name, body in tree(fleet).items() if before[name] != body]
    assert changed
    for name in changed:
        now = (fleet / name).read_text()
        assert '"vc"' in now or "--venture vc" in now
        for word in ("own", "rm:*", "# stays", "// mine", "// inputs", '"model": "x"'):
            assert (word in now) >= (word in THEIRS[name])
    run("uninstall", agent)
    assert tree(fleet) == before


def test_what_a_person_wrote_afterwards_stays_and_only_what_is_ours_goes(fleet: Path, run: Run) -> None:
    run("install", "cursor")
    file = fleet / ".cursor/mcp.json"
    file.write_text(file.read_text().replace('"mcpServers": {', '"mcpServers": {\n    "later": {"command": "x"},', 1))
    run("uninstall", "cursor")
    assert json.loads(file.read_text()) == {"mcpServers": {"later": {"command": "x"}}}


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(fleet: Path, run: Run) -> None:
    (fleet / ".mcp.json").write_text('{"mcpServers": {"cattlegrid": {"command": "other"}}}')
    before = tree(fleet)
    said = run("install", "claude", expect=3)
    assert ".mcp.json" in said
    assert "mcpServers.cattlegrid.command is set to something else already" in said
    assert tree(fleet) == before
    assert "was not installed here by you" in run("uninstall", "claude", expect=2)


def test_twice_and_unknown_names_are_refused(fleet: Path, run: Run) -> None:
    run("install", "mcp")
    assert "cattlegrid uninstall mcp" in run("install", "mcp", expect=3)
    assert "the agents are claude, codex, gemini" in run("install", "emacs", expect=2)
    assert "the ventures are" in run("install", "codex", "--venture", "nobody", expect=2)


def test_no_file_holds_a_credential_and_a_dry_run_writes_none(fleet: Path, run: Run) -> None:
    before = tree(fleet)
    for agent in INSTALLED:
        assert "would be written" in run("install", agent, "--dry-run")
    assert tree(fleet) == before


def test_the_installed_hooks_know_the_environment_and_refuse_production(run: Run) -> None:
    told = json.loads(run("banner", "--for", "claude", "--here", "--venture", "ke"))
    assert "THIS SESSION IS PRODUCTION" in told["systemMessage"]
    assert run("banner", "--here").startswith("Environment: staging  API address unknown")
    command = {"tool_name": "Bash", "tool_input": {"command": "npx wrangler deploy --env production"}}
    assert "production" in run("guard", "--here", expect=2, asked=json.dumps(command))
    command["tool_input"] = {"command": "ls"}
    assert run("guard", "--here", asked=json.dumps(command)) == ""
    assert "has lost its session" in run("guard", expect=2, asked=json.dumps(command))


@pytest.mark.slow
def test_a_client_that_reads_the_installed_file_gets_stagings_tools(herd: Herd) -> None:
    herd.run("install", "mcp")
    try:
        server = json.loads((herd.folder / ".mcp.json").read_text())["mcpServers"]["cattlegrid"]
    finally:
        herd.run("uninstall", "mcp")
    path = f"{Path(COMMAND).parent}:{herd.environ['PATH']}"
    told = StdioServerParameters(
        command=server["command"], args=server["args"], env={**herd.environ, "PATH": path}, cwd=str(herd.folder)
    )

    async def main() -> tuple[str, set[str]]:
        async with Client(told, mode="legacy") as client:
            return client.instructions or "", {tool.name for tool in (await client.list_tools()).tools}

    instructions, tools = anyio.run(main)
    assert instructions.startswith("Environment: staging  http://context-staging.")
    assert {"status", "recent_sessions"} <= tools
