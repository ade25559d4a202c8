"""Where a session is, and what its banner says: from files alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cattlegrid.agents import banner, child, sandbox, session
from cattlegrid.agents.session import Reached, Session
from cattlegrid.agents.venture import Choice, choose
from cattlegrid.errors import Refused, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import EnvironmentSettings, Fleet, SecretPolicy
from cattlegrid.model.secret import Secret

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LIVE = Reached(
    "context", "context-staging", "https://context-staging.example", "v1", "a" * 40, deployed=NOW.isoformat(), mcp=True
)
HERE = Session("s1", "crane", "/repo", STAGING, venture="vc", workers=(LIVE,))


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    settings = {one: EnvironmentSettings(one) for one in Environment}
    ventures = {"vc": (STAGING, PRODUCTION), "ke": (PRODUCTION,), "lab": (STAGING,)}
    return Fleet(tmp_path, "crane", (), (), settings, SecretPolicy(), ventures)


def test_only_a_declaration_leads_to_the_fallback(fleet: Fleet) -> None:
    assert choose(fleet, "vc", STAGING, strict=False) == Choice(STAGING)
    assert choose(fleet, "ke", STAGING, strict=False) == Choice(PRODUCTION, fallback=True)
    assert choose(fleet, "", STAGING, strict=True) == Choice(STAGING)


def test_a_venture_without_staging_is_an_error_when_strict(fleet: Fleet) -> None:
    with pytest.raises(Refused, match="ke has no staging, and --strict forbids"):
        choose(fleet, "ke", STAGING, strict=True)


def test_a_venture_without_production_never_gets_it(fleet: Fleet) -> None:
    with pytest.raises(Refused, match="lab declares no production"):
        choose(fleet, "lab", PRODUCTION, strict=False)


def test_an_unknown_venture_lists_the_known_ones(fleet: Fleet) -> None:
    with pytest.raises(UsageError, match="the ventures are vc, ke, lab"):
        choose(fleet, "vv", STAGING, strict=False)


def test_the_banner_has_the_environment_beside_the_address_and_says_what_is_unknown() -> None:
    said = banner.lines(HERE, NOW + timedelta(hours=2))
    assert said[0] == "Environment: staging  https://context-staging.example"
    assert "venture vc" in said[1]
    assert "commit aaaaaaaaaaaa, 2 h ago" in said[1]
    blind = HERE._replace(workers=(Reached("context", "context-staging"),))
    assert banner.head(blind) == "Environment: staging  API address unknown"
    assert "context: unknown" in banner.lines(blind, NOW)[1]


def test_the_banner_names_the_secrets_that_the_shell_holds() -> None:
    said = banner.lines(HERE._replace(environment=PRODUCTION, secrets=("STORE_KEY", "MAIL_KEY")), NOW)
    assert "in this shell, of production: STORE_KEY, MAIL_KEY" in said


def test_a_fallback_cannot_be_missed() -> None:
    fell = HERE._replace(environment=PRODUCTION, venture="ke", fallback=True)
    assert banner.lines(fell, NOW)[0].startswith("WARNING: venture ke has no staging. THIS SESSION IS PRODUCTION")
    assert "PRODUCTION (no staging!)" in banner.status_line(fell, NOW)


@pytest.mark.parametrize("form", ["claude", "codex", "gemini"])
def test_a_hook_gets_the_banner_for_the_person_and_for_the_model(tmp_path: Path, form: str) -> None:
    session.write(HERE, tmp_path)
    environ = {"PATH": os.environ["PATH"], session.VARIABLE: str(tmp_path)}
    argv = [sys.executable, "-P", "-m", "cattlegrid", "banner", "--for", form]
    told = json.loads(subprocess.run(argv, env=environ, capture_output=True, text=True, check=True).stdout)
    assert told["systemMessage"].startswith("Environment: staging  https://context-staging.example")
    assert "Environment: staging" in told["hookSpecificOutput"]["additionalContext"]


@pytest.mark.parametrize("hook", ["banner", "guard"])
def test_a_hook_loads_nothing_that_would_keep_its_agent_waiting(tmp_path: Path, hook: str) -> None:
    session.write(HERE, tmp_path)
    environ = {"PATH": os.environ["PATH"], session.VARIABLE: str(tmp_path)}
    asked = json.dumps({"tool_name": "Bash", "tool_input": {"command": "npm run ship; cat README.md"}})
    argv = [sys.executable, "-P", "-X", "importtime", "-m", "cattlegrid", hook]
    done = subprocess.run(argv, env=environ, input=asked, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"json", "argparse"} <= loaded
    heavy = {"asyncio", "dataclasses", "difflib", "httpx2", "inspect", "shutil", "ssl", "subprocess", "tomllib"}
    assert loaded & heavy == set()


def test_a_session_begins_without_what_only_its_gateway_needs() -> None:
    argv = [sys.executable, "-P", "-X", "importtime", "-c", "import cattlegrid.verbs.run"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"httpx2", "cattlegrid.verbs.session"} <= loaded
    assert loaded & {"cryptography", "json5", "mcp", "mcp_types", "pydantic", "pyrage", "rich", "starlette"} == set()


def test_the_child_gets_names_from_a_list_and_no_credential_of_ours(tmp_path: Path) -> None:
    parent = {
        "PATH": "/bin",
        "HOME": "/home/p",
        "CLOUDFLARE_API_TOKEN": "real",
        "PRODUCTION_API_TOKEN": "real",
        "GITHUB_TOKEN": "real",
        "SSH_AUTH_SOCK": "/agent",
        "DBUS_SESSION_BUS_ADDRESS": "/bus",
        "ANTHROPIC_API_KEY": "model",
        "DATABASE_URL": "wanted",
    }
    made = child.environment(parent, HERE, tmp_path, {}, ("DATABASE_URL",), {"KE_KEY": Secret("ke-key-of-the-venture")})
    assert "real" not in made.values()
    assert made["CLOUDFLARE_API_TOKEN"] == child.NO_LOGIN
    assert {"SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "GITHUB_TOKEN"}.isdisjoint(made)
    assert made["ANTHROPIC_API_KEY"] == "model"
    assert made["DATABASE_URL"] == "wanted"
    assert made["KE_KEY"] == "ke-key-of-the-venture"
    assert made["CATTLEGRID_API_URL"] == "https://context-staging.example"


def test_a_deployment_credential_is_not_injected_even_when_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not go into an agent's shell"):
        child.environment({"CLOUDFLARE_API_TOKEN": "x"}, HERE, tmp_path, {}, ("CLOUDFLARE_API_TOKEN",), {})


def test_a_bubblewrap_that_is_not_there_or_does_not_work_is_told_from_one_that_does(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert sandbox.missing(environ) == "bubblewrap (bwrap) is not installed"
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2; exit 1\n")
    broken.chmod(0o755)
    assert sandbox.missing(environ) == "bubblewrap does not work here: setting up uid map: Permission denied"


def test_the_sandbox_hides_every_ventures_plain_file_and_the_key_that_a_variable_names_and_nothing_that_git_tracks(
    tmp_path: Path,
) -> None:
    hidden = ["key.txt", "secrets/production.env", "secrets/ke/production.env", "workers/a/.dev.vars.production"]
    for name in ("secrets/production.sops.json", *hidden):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    here = HERE._replace(root=str(tmp_path), flags={"workers/a": "production"})
    environ = {"PATH": "", "HOME": str(tmp_path / "home"), "SOPS_AGE_KEY_FILE": str(tmp_path / "key.txt")}
    words = sandbox.wrap(("claude",), here, environ)
    bound = {words[at + 2] for at, word in enumerate(words) if word == "--ro-bind"}
    assert bound == {str(tmp_path / name) for name in hidden}
