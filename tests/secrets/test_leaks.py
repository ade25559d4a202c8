"""Unmistakable values for every kind of secret, the whole command surface, and nothing of them anywhere."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fleet import SecretFleet

from cattlegrid.cli import COMMANDS
from cattlegrid.cli.secrets import ACTIONS
from watched import COMMAND, TRACED, Watch, files_with, forms

_ELSEWHERE = {
    "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID": "canary-client-id-5a1c",
    "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET": "canary-client-secret-91e7",
    "INFISICAL_TOKEN": "canary-infisical-token-40bd",
}
# What a person may have set for wrangler, so that it would say more than it should.
_LOUD = {"WRANGLER_LOG": "debug", "WRANGLER_SEND_METRICS": "true", "NODE_DEBUG": "http,https,net"}
# How commands are typed, to succeed and to fail. A command that is not here is typed bare: a new one is never left out.
_LINES = {
    "why": ("why api",),
    "deploy": ("deploy watch --again",),
    "smoke": ("smoke", "smoke --env production"),
    "promote": ("promote --dry-run", "promote --release nothing"),
    "rollback": ("rollback --dry-run",),
    "workflow": ("workflow --check",),
    "mirror": ("mirror --dry-run",),
    "reject": ("reject nothing",),
    "unhold": ("unhold nothing",),
    "run": ("run -- env", "run nobody -- env"),
    "install": ("install mcp", "install nobody"),
    "uninstall": ("uninstall mcp",),
    "local": ("local status",),
}
_SECRETS = {
    "push": ("push", "push --dry-run", "push --env nowhere"),
    "recipients": ("recipients list", "recipients add nonsense", "recipients remove nobody"),
    "generate": ("generate", "generate API_KEY"),
    "get": ("get API_KEY",),
    "import": ("import --from dotenv", "import --from wrangler"),
    "rotate": ("rotate HOOK_SECRET", "rotate WATCH_KEY", "rotate API_KEY --finish"),
    "exec": ("exec --with NOTHING -- true", "exec --with API_KEY -- /none"),
}
_LEFT_OUT = {"demo": "types all the others, on a fleet of its own"}


def lines() -> list[list[str]]:
    typed = [line for name in COMMANDS if name not in {"secrets", *_LEFT_OUT} for line in _LINES.get(name, (name,))]
    typed += [f"secrets {line}" for action in ACTIONS for line in _SECRETS.get(action, (action,))]
    return [line.split() for line in typed]


def canaries(fleet: SecretFleet) -> dict[str, str]:
    both = {
        f"{name} of {environment}": fleet.value(name, environment)
        for environment in ("staging", "production")
        for name in ("API_KEY", "WATCH_KEY", "HOOK_SECRET", "CATTLEGRID_AUDIT_KEY", "CATTLEGRID_OWN_KEY")
    }
    machine = {"the age key": fleet.ann.secret, "the API token": fleet.environ["CLOUDFLARE_API_TOKEN"]}
    return {**both, **machine, **_ELSEWHERE}


def typed(fleet: SecretFleet, argv: list[str], environ: dict[str, str]) -> bytes:
    """What it printed. One that goes on for ever, as a server does, is stopped as a person would stop it."""
    with subprocess.Popen(
        argv, cwd=fleet.root, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as program:
        try:
            return program.communicate(timeout=60)[0]
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGINT)
            return program.communicate(timeout=20)[0]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_command_leaves_a_value_anywhere(fleet: SecretFleet, tmp_path: Path) -> None:
    values, watch = forms(canaries(fleet)), Watch()
    places = {"TMPDIR": str(tmp_path), "WRANGLER_LOG_PATH": str(tmp_path / "wrangler"), **_ELSEWHERE, **_LOUD}
    environ = {**fleet.environ, **fleet.ann.environ, **places}
    said, traced = b"", 0
    with watch.running():
        for number, words in enumerate(lines()):
            options = ["--json"] if number % 2 and "--" not in words else []
            shown = typed(fleet, [*TRACED, *words, *options], environ)
            traced += b"HTTP Request: " in shown
            said += shown
    logs = [fleet.root.parent / "state" / "logs"]
    for name, value in values.items():
        assert value not in said, f"{name} was printed"
        assert value not in watch.arguments, f"{name} was an argument of a program"
        found = files_with(value, fleet.root, fleet.root.parent / "home", tmp_path, *logs)
        assert found == [], f"{name} is in a file"
        if name.startswith("the API token"):
            continue  # wrangler needs it
        assert value not in watch.environments, f"{name} was in the environment of another program"
    assert b"wrangler" in watch.arguments
    assert b"WRANGLER_SEND_METRICS=false" in watch.environments
    assert b"WRANGLER_WRITE_LOGS=false" in watch.environments
    fleet.done("secrets", "scan")  # which looks into git's objects, too
    assert traced > 10, "the trace of HTTP was looked at"


def test_a_command_that_nobody_thought_of_here_is_typed_all_the_same() -> None:
    seen = {words[0] for words in lines()}
    assert seen | set(_LEFT_OUT) == set(COMMANDS)
    assert {words[1] for words in lines() if words[0] == "secrets"} == set(ACTIONS)
    assert set(_LINES) | set(_LEFT_OUT) <= set(COMMANDS)
    assert set(_SECRETS) <= set(ACTIONS)


@pytest.mark.slow
@pytest.mark.parametrize("words", [("push",), ("rotate", "WATCH_KEY", "--at-once")], ids=" ".join)
def test_a_command_that_is_interrupted_leaves_no_value(
    fleet: SecretFleet, words: tuple[str, ...], tmp_path: Path
) -> None:
    values = forms(canaries(fleet))
    delay = {"kind": "delay", "method": "PATCH", "route": "*/accounts/*", "seconds": 3.0}
    fault = fleet.api("POST", "/local/faults", json=delay)["id"]
    env = {**fleet.environ, **fleet.ann.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [*COMMAND, "secrets", *words], cwd=fleet.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as program:
        while not next(one for one in fleet.api("GET", "/local/faults") if one["id"] == fault)["hit"]:
            assert program.poll() is None
            time.sleep(0.02)
        program.send_signal(signal.SIGINT)
        said = program.communicate()[0]
    values |= forms(canaries(fleet))
    assert program.returncode == 130
    assert b"run it again" in said
    assert not [name for name, value in values.items() if value in said or files_with(value, tmp_path)]
    fleet.api("DELETE", "/local/faults")
    fleet.done("secrets", "push")


def test_a_crash_prints_its_traceback_without_the_value() -> None:
    program = (
        "from cattlegrid.cli import keep_secrets; from cattlegrid.model.secret import Secret; keep_secrets();"
        "secret = Secret('canary-' + 'of-a-crash'); raise RuntimeError(f'no such key: {secret.reveal()}')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "RuntimeError: no such key: [redacted]" in done.stderr
    assert "canary-of-a-crash" not in done.stderr


def test_a_process_that_holds_values_leaves_no_core_dump() -> None:
    program = "from cattlegrid.cli import keep_secrets; import resource; keep_secrets(); print(resource.getrlimit(4))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0)"
