"""The example fleet, deployed to both environments of a local Cloudflare by cattlegrid itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx2

from cattlegrid.cli.demo.stage import lay_out, link_packages
from cattlegrid.local import daemon
from cattlegrid.settings import load
from cattlegrid.toolchain import Toolchain

COMMAND = str(Path(sys.executable).with_name("cattlegrid"))
STAGING_TOKEN, PRODUCTION_TOKEN = "STAGING_API_TOKEN", "PRODUCTION_API_TOKEN"
OWN_TOKEN = f"""
[environments.staging]
token = "{STAGING_TOKEN}"
"""


@dataclass(frozen=True)
class Herd:
    """`environ` is a person's shell: both tokens are in it."""

    folder: Path
    state: Path
    environ: Mapping[str, str]
    router: int

    def run(self, *words: str, expect: int | None = 0, env: Mapping[str, str] | None = None, **more: Any) -> str:
        """`cattlegrid …` as a person types it: what it printed."""
        done = subprocess.run(
            [COMMAND, *words],
            cwd=more.pop("cwd", self.folder),
            env={**self.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
            **more,
        )
        said = done.stdout + done.stderr
        assert expect is None or done.returncode == expect, f"exit {done.returncode}: {said}"
        return said

    def rows(self, environment: str, sql: str) -> list[dict[str, Any]]:
        """Read an environment's `context` database past everything of ours: through the local REST API."""
        config = json.loads(
            "\n".join(
                line
                for line in (self.folder / "workers/context/wrangler.jsonc").read_text().splitlines()
                if not line.strip().startswith("//")
            )
        )
        part = config if environment == "staging" else config["env"]["production"]
        base, account = self.environ["CLOUDFLARE_API_BASE_URL"], self.environ["CLOUDFLARE_ACCOUNT_ID"]
        url = f"{base}/accounts/{account}/d1/database/{part['d1_databases'][0]['database_id']}/query"
        headers = {"Authorization": f"Bearer {self.environ[PRODUCTION_TOKEN]}"}
        answer = httpx2.post(url, json={"sql": sql}, headers=headers, trust_env=False)
        found: list[dict[str, Any]] = answer.json()["result"][0]["results"]
        return found


def raise_herd(parts: Toolchain, folder: Path) -> Herd:
    """Minutes of a person's work in seconds: databases, secrets, a commit, staging, production."""
    state, fleet = folder / "state", folder / "fleet"
    running = daemon.up(state, node=parts.node, modules=parts.modules)
    cloud = daemon.env(state)
    lay_out(fleet)
    link_packages(fleet)
    settings = (fleet / "cattlegrid.toml").read_text().replace('store = "sops"', 'store = "dotenv"')
    settings = settings.replace("[environments.production]", f'[environments.production]\ntoken = "{PRODUCTION_TOKEN}"')
    (fleet / "cattlegrid.toml").write_text(settings + OWN_TOKEN)
    plain_secrets(fleet)
    environ = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ},
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "CLOUDFLARE_API_BASE_URL": cloud["CLOUDFLARE_API_BASE_URL"],
        "CLOUDFLARE_ACCOUNT_ID": cloud["CLOUDFLARE_ACCOUNT_ID"],
        PRODUCTION_TOKEN: cloud["CLOUDFLARE_API_TOKEN"],
    }
    (folder / "home").mkdir()
    _commit(fleet, environ, "Two Workers")
    whole = Herd(fleet, state, {**environ, STAGING_TOKEN: environ[PRODUCTION_TOKEN]}, running.router_port)
    for environment in ("staging", "production"):
        whole.run("provision", "--env", environment)
    _commit(fleet, environ, "Ids of what was provisioned")
    herd = Herd(fleet, state, {**environ, STAGING_TOKEN: _staging_token(environ, fleet)}, running.router_port)
    herd.run("deploy")
    herd.run("secrets", "push", "--env", "production", expect=None)
    released = json.loads(herd.run("promote", "--dry-run", "--json", expect=None))["plan"]["release"]
    herd.run("promote", "--release", released)
    return herd


def plain_secrets(fleet: Path) -> None:
    """Both environments' values as plain files that an agent on this machine could read: the worst of the stores."""
    for scope in load(fleet).scopes:
        policy, folder = scope.secrets, fleet / scope.secrets.folder
        shared = {name: token_urlsafe(32) for name in policy.shared}
        folder.mkdir()
        for environment in policy.environments:
            file = folder / f"{environment}.env"
            file.touch(0o600)
            values = {name: shared.get(name) or token_urlsafe(32) for name in policy.names(environment)}
            file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def _commit(fleet: Path, environ: Mapping[str, str], message: str) -> None:
    who = ("-c", "user.name=P", "-c", "user.email=p@example.invalid")
    for words in (("init", "--quiet", "--initial-branch=main"), ("add", "--all"), (*who, "commit", "-qm", message)):
        subprocess.run(["git", *words], cwd=fleet, env=dict(environ), check=True)


def _staging_token(environ: Mapping[str, str], fleet: Path) -> str:
    """A token that may change staging's Workers and every D1 database: Cloudflare limits Workers by name."""
    base = environ["CLOUDFLARE_API_BASE_URL"]
    headers = {"Authorization": f"Bearer {environ[PRODUCTION_TOKEN]}"}
    account = f"com.cloudflare.api.account.{environ['CLOUDFLARE_ACCOUNT_ID']}"
    groups = ["Workers Scripts Write", "D1 Write", "Workers KV Storage Write", "Queues Write", "Account Settings Read"]
    scripts = {f"com.cloudflare.edge.worker.script.{name}": "*" for name in ("context-staging", "watch-staging")}
    policies = [
        {"effect": "allow", "permission_groups": [{"name": groups[0]}], "resources": scripts},
        {"effect": "allow", "permission_groups": [{"name": name} for name in groups[1:]], "resources": {account: "*"}},
    ]
    body = {"name": "staging", "policies": policies}
    made = httpx2.post(f"{base}/user/tokens", json=body, headers=headers, trust_env=False).json()
    value: str = made["result"]["value"]
    return value
