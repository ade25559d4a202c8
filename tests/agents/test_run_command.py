"""`cattlegrid run` and `allow`, as a person types them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cattlegrid.agents import sandbox
from herd import COMMAND, PRODUCTION_TOKEN, Herd
from terminal import at_a_terminal

pytestmark = pytest.mark.slow
OWN = f"{sys.executable} -P -m cattlegrid"


@pytest.mark.parametrize("name", ["dev", "stagign", "Prod ", " staging", "", "PRODUCTION"])
def test_an_unknown_environment_starts_nothing(herd: Herd, name: str) -> None:
    said = herd.run("run", "--env", name, "--", "echo", "started", expect=2)
    assert "CG-ENVIRONMENT" in said
    assert "the environments are staging, production" in said
    assert "started" not in said


def test_production_by_name_needs_a_terminal(herd: Herd) -> None:
    said = herd.run("run", "--env", "production", "--", "echo", "started", expect=3)
    assert "a person at a terminal" in said
    assert "started" not in said


def typed(herd: Herd, words: list[str], answer: str) -> tuple[int, str]:
    """A command at a terminal of its own, with one line typed at its question."""
    return at_a_terminal([COMMAND, *words], herd.folder, herd.environ, [("Type ", answer)])


def test_production_by_name_is_typed_once_more(herd: Herd) -> None:
    code, said = typed(herd, ["run", "--env", "production", "--", "echo", "started"], "production")
    assert code == 0
    assert "Environment: production" in said
    assert said.rstrip().endswith("started")
    code, said = typed(herd, ["run", "--env", "production", "--", "echo", "started"], "yes")
    assert code == 3
    assert "started" not in said.replace("nothing was started", "")


def test_a_failure_to_reach_staging_is_a_failure_and_never_a_fallback(herd: Herd) -> None:
    nowhere = {"CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:9/client/v4"}
    said = herd.run("run", "vc", "--", "echo", "started", expect=None, env=nowhere)
    assert "CG-API" in said
    assert "production" not in said.lower()
    assert "started" not in said


def test_a_key_that_staging_refuses_is_told_before_the_agent_starts(herd: Herd) -> None:
    file = herd.folder / "secrets/staging.env"
    before = file.read_text()
    file.write_text(re.sub(r"^CONTEXT_KEY=.*$", "CONTEXT_KEY=another-key", before, flags=re.MULTILINE))
    try:
        said = herd.run("run", "--", "echo", "started", expect=1)
    finally:
        file.write_text(before)
    assert "worker context in staging refuses CONTEXT_KEY" in said
    assert "cattlegrid secrets push context" in said
    assert "another-key" not in said
    assert "started" not in said


def test_a_venture_s_secret_for_agents_is_in_its_session_and_in_no_other(herd: Herd) -> None:
    """`ke` has no staging: what it gets is production's, as the whole session is."""
    value = (herd.folder / "secrets/ke/production.env").read_text().strip().removeprefix("STORE_KEY=")
    show = ("--", "sh", "-c", 'echo "$CATTLEGRID_ENVIRONMENT ${STORE_KEY:-has none} ${CONTEXT_KEY:-has none}"')
    said = herd.run("run", "ke", *show)
    assert "THIS SESSION IS PRODUCTION, whole" in said
    assert "in this shell, of production: STORE_KEY" in said
    assert f"production {value} has none" in said
    assert "staging has none has none" in herd.run("run", "vc", *show)
    assert value not in herd.run("run", "ke", "--print-config", "--", "echo")


def test_a_venture_s_secret_that_is_missing_starts_nothing(herd: Herd) -> None:
    file = herd.folder / "secrets/ke/production.env"
    before = file.read_text()
    file.write_text("")
    try:
        said = herd.run("run", "ke", "--", "echo", "started", expect=2)
    finally:
        file.write_text(before)
    assert "STORE_KEY of production is not in secrets/ke/production.env" in said
    assert "next: cattlegrid secrets set STORE_KEY --env production --venture ke" in said
    assert "started" not in said


def test_exit_code_signals_and_arguments_are_the_agents_own(herd: Herd) -> None:
    said = herd.run("run", "vc", "--strict", "--", "sh", "-c", 'echo "$0|$1"; exit 7', "a b", "--env", expect=7)
    assert "a b|--env" in said
    assert "Environment: staging" in herd.run("run", "--no-sandbox", "--", "sh", "-c", "kill -TERM $$", expect=-15)


def _bubblewrap(herd: Herd) -> None:
    if why := sandbox.missing(herd.environ):
        pytest.skip(f"not measured: {why}")


def test_a_session_has_walls_unless_they_are_taken_away_and_then_a_person_is_told_what_lies_open(herd: Herd) -> None:
    _bubblewrap(herd)
    login = Path(herd.environ["HOME"], ".config/.wrangler/config/default.toml")
    login.parent.mkdir(parents=True, exist_ok=True)
    login.write_text('oauth_token = "opens-everything"\n')
    look = f"cat {login} secrets/production.env; ls -d /proc/[0-9]* | wc -l; git status --short"
    try:
        within, plain = (herd.run("run", *words, "--", "sh", "-c", look) for words in ((), ("--no-sandbox",)))
    finally:
        login.unlink()
    assert "opens-everything" not in within
    assert "CONTEXT_KEY" not in within
    assert "WARNING" not in within
    assert "production.env\n" not in within.split("secrets/production.env: Permission denied")[-1]
    assert f"!!! WARNING: it can read {login} (wrangler logout" in plain
    assert "!!! WARNING: it can read" in plain.split(str(login), 1)[1]
    assert "opens-everything" in plain


def test_without_bubblewrap_a_session_says_so_and_one_that_was_asked_for_by_name_is_refused(
    herd: Herd, tmp_path: Path
) -> None:
    (tmp_path / "true").symlink_to("/bin/true")
    bare = {"PATH": str(tmp_path)}
    said = herd.run("run", "--", "true", env=bare)
    assert "this session has no sandbox (bubblewrap (bwrap) is not installed)" in said
    assert "CG-TOOL-MISSING" in herd.run("run", "--sandbox", "--", "true", env=bare, expect=None)


def test_print_config_shows_everything_and_starts_nothing(herd: Herd) -> None:
    said = herd.run("run", "--print-config", "vc", "--", "claude", "-p", "hello")
    assert "SESSION/claude-settings.json" in said
    assert "--strict-mcp-config" in said
    assert "CLOUDFLARE_API_TOKEN" in said
    assert herd.environ[PRODUCTION_TOKEN] not in said
    model_key = {"ANTHROPIC_API_KEY": "the-model-key-of-a-person"}
    said = herd.run("run", "--print-config", "--json", "--", "codex", env=model_key)
    assert json.loads(said)["session"]["environment"] == "staging"
    assert "ANTHROPIC_API_KEY" in said
    assert model_key["ANTHROPIC_API_KEY"] not in said


def test_an_agent_that_is_not_there_leaves_nothing_behind(herd: Herd, tmp_path: Path) -> None:
    said = herd.run("run", "--", "no-such-agent", expect=2, env={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert "there is no program 'no-such-agent'" in said
    assert list(tmp_path.iterdir()) == []


def test_the_session_ends_with_its_agent(herd: Herd) -> None:
    said = herd.run("run", "--", "sh", "-c", "echo folder=$CATTLEGRID_SESSION; sleep 3")
    folder = Path(said.split("folder=")[1].split()[0])
    deadline = time.monotonic() + 15
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not folder.exists()


def _gateway(folder: Path) -> int:
    found = subprocess.run(["pgrep", "-f", f"cattlegrid.gateway {folder}"], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


def test_what_a_killed_gateway_leaves_goes_when_the_next_session_begins_and_not_while_its_agent_lives(
    herd: Herd, tmp_path: Path
) -> None:
    environ = {**herd.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    words = [COMMAND, "run", "--", "sh", "-c", "echo $CATTLEGRID_SESSION; read line"]
    with subprocess.Popen(
        words, cwd=herd.folder, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as agent:
        assert agent.stdout is not None
        folder = Path(agent.stdout.readline().strip())
        os.kill(_gateway(folder), signal.SIGKILL)
        herd.run("run", "--", "true", env=environ)
        assert (folder / "session.json").is_file()
        agent.communicate("\n")
    assert folder.is_dir()
    said = herd.run("run", "--", "sh", "-c", "echo $CATTLEGRID_SESSION", env=environ)
    assert not folder.exists()
    assert str(tmp_path) in said


def test_what_a_killed_run_leaves_goes_when_the_next_session_begins(herd: Herd, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = {"CLOUDFLARE_API_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/client/v4"}
        environ = {**herd.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
        with subprocess.Popen([COMMAND, "run", "--", "true"], cwd=herd.folder, env={**environ, **nowhere}) as run:
            asked, _ = silent.accept()
            run.kill()
            asked.close()
    (left,) = tmp_path.iterdir()
    herd.run("run", "--", "true", env=environ)
    assert not left.exists()


@contextmanager
def waiting_write(herd: Herd, title: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A production session of venture `ke` whose agent has asked to write; and the request's id."""
    call = f"""
import anyio, os, sys
from mcp import Client, StdioServerParameters
async def main():
    server = StdioServerParameters(command=sys.executable, args=["-P", "-m", "cattlegrid", "mcp"], env=dict(os.environ))
    async with Client(server, mode="legacy") as client:
        for _ in sys.stdin:
            result = await client.call_tool("start_session", {{"agent": "t", "title": {title!r}}})
            print(repr([part.text for part in result.content]), flush=True)
anyio.run(main)
"""
    process = subprocess.Popen(
        [COMMAND, "run", "ke", "--", sys.executable, "-c", call],
        cwd=herd.folder,
        env=dict(herd.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        found = re.search(r"cattlegrid allow (\w+)", asked(process))
        assert found is not None
        yield process, found[1]
    finally:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        process.wait(timeout=30)


def asked(process: subprocess.Popen[str]) -> str:
    """The agent calls its tool once more; what it was told."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_a_write_in_production_runs_once_after_a_person_allowed_it(herd: Herd) -> None:
    titles = "SELECT title FROM sessions WHERE title = 'allowed once'"
    with waiting_write(herd, "allowed once") as (agent, request):
        assert "allowed once" in herd.run("allow")
        assert "a person at a terminal" in herd.run("allow", request, expect=3)
        code, said = typed(herd, ["allow", request], "staging")
        assert code == 3
        assert herd.rows("production", titles) == []
        code, said = typed(herd, ["allow", request], "production")
        assert code == 0, said
        assert "allowed once" in said
        assert "Environment: production" in asked(agent)
        assert len(herd.rows("production", titles)) == 1
        assert "cattlegrid allow" in asked(agent)
        assert len(herd.rows("production", titles)) == 1


def test_what_an_agents_shell_writes_into_the_sessions_sockets_ends_no_session(herd: Herd) -> None:
    script = """
import anyio, os, socket, sys
from mcp import Client, StdioServerParameters
for place in ("control.sock", "gateway.sock"):
    for words in (b"", b"no json\\n", b"[1]\\n", b'{"jsonrpc": 7}\\n', b"\\xff\\n"):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(os.environ["CATTLEGRID_SESSION"] + "/" + place)
            one.sendall(words)
async def main():
    server = StdioServerParameters(command=sys.executable, args=["-P", "-m", "cattlegrid", "mcp"], env=dict(os.environ))
    async with Client(server, mode="legacy") as client:
        print("is_error", (await client.call_tool("recent_sessions", {})).is_error)
anyio.run(main)
"""
    assert "is_error False" in herd.run("run", "--", sys.executable, "-c", script)


def test_the_agents_own_process_tree_cannot_allow(herd: Herd) -> None:
    script = f"""
import json, os, socket, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2] / "src")!r})
place = os.environ["CATTLEGRID_SESSION"] + "/control.sock"
def ask(question):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(place)
        one.sendall(json.dumps(question).encode() + b"\\n")
        return one.makefile().readline()
question = {{"do": "allow", "id": "x", "typed": "production"}}
print(ask(question), flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        time.sleep(1)
        print(ask(question), flush=True)
    os._exit(0)
os.wait()
time.sleep(3)
"""
    said = herd.run("run", "ke", "--", sys.executable, "-c", script)
    assert "it is asked from the agent's own process tree" in said
    assert said.count('"refused"') == 2, said
