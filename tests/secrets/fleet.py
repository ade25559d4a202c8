"""Two small Workers on a local Cloudflare, their secrets in SOPS files, and `cattlegrid` as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from keys import Person

from cattlegrid.toolchain import cache_folder
from ran import Ran
from repositories import ENVIRON, Clone, empty

GOOD = "a-good-and-long-value-0123456789"
COMMAND = (sys.executable, "-m", "cattlegrid")
SETTINGS = """\
[fleet]
name = "crane"
workers = ["workers/*"]

[environments.production]
gate = ["smoke", "isolation", "secrets"]

[workers.api]
probe = "/probe"
auth.secret = "API_KEY"

[workers.watch]
probe = "/probe"
auth.secret = "WATCH_KEY"

[secrets]
isolated = ["API_KEY", "WATCH_KEY"]
shared = ["HOOK_SECRET"]

[secrets.about.API_KEY]
previous = "API_KEY_SECOND"
"""
# It keeps every key that it is sent, as code that an agent wrote could.
_INDEX = """\
const seen = [];
export default {
  fetch(request, env) {
    const sent = request.headers.get("authorization");
    if (sent) seen.push(sent);
    if (new URL(request.url).pathname === "/seen") return Response.json(seen);
    const keys = [KEYS].filter(Boolean);
    if (new URL(request.url).pathname === "/health") {
      return Response.json({ status: "ok", version: { id: env.VERSION.id } });
    }
    if (!keys.some((key) => sent === `Bearer ${key}`)) return new Response("no", { status: 401 });
    return Response.json({ databases: {}, hook: env.HOOK_SECRET?.length ?? 0 });
  },
};
"""


@dataclass
class SecretFleet:
    """`ann` may open both environments, `machine` staging only. `said` is all that any command has printed."""

    root: Path
    clone: Clone
    ann: Person
    machine: Person
    environ: dict[str, str]
    http: httpx2.Client
    base_url: str
    router: str
    said: list[str] = field(default_factory=list)

    def run(self, *words: str, who: Person | None = None, input: str = "", **environ: str) -> Ran:
        env = {**self.environ, **(who or self.ann).environ, **environ}
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.root,
            env=env,
            input=input,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        return Ran(done.returncode, done.stdout, done.stderr)

    def done(self, *words: str, who: Person | None = None, input: str = "", code: int = 0, **environ: str) -> Ran:
        ran = self.run(*words, who=who, input=input, **environ)
        assert ran.code == code, f"cattlegrid {' '.join(words)} ended with {ran.code}:\n{ran.said}"
        return ran

    def value(self, name: str, environment: str = "staging") -> str:
        """The value in the store, by the stock library of the store itself."""
        from cattlegrid.model.environment import Environment  # noqa: PLC0415 - the test's own way in

        contents = self.ann.store(self.root, Environment(environment)).read()
        return contents.values[name].reveal()

    def status(self, script: str, key: str) -> int:
        headers = {"Host": f"{script}.local.localhost", "Authorization": f"Bearer {key}"}
        return self.http.get(f"{self.router}/probe", headers=headers).status_code

    def api(self, method: str, path: str, **more: Any) -> Any:
        account = self.environ["CLOUDFLARE_ACCOUNT_ID"]
        url = self.base_url + (path if path.startswith("/local") else f"/accounts/{account}{path}")
        token = self.environ["CLOUDFLARE_API_TOKEN"]
        answer = self.http.request(method, url, headers={"Authorization": f"Bearer {token}"}, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["result"]


def lay_out(root: Path, settings: str = SETTINGS) -> Clone:
    files = {"cattlegrid.toml": settings, ".gitignore": "secrets/*.env\n.wrangler/\n.cattlegrid/\n.dev.vars\n"}
    for worker, keys in (("api", "env.API_KEY, env.API_KEY_SECOND"), ("watch", "env.WATCH_KEY")):
        both = {"version_metadata": {"binding": "VERSION"}}
        config = {"name": f"{worker}-staging", "main": "src/index.js", "compatibility_date": "2026-01-01", **both}
        production = {"name": worker, **both}
        files[f"workers/{worker}/wrangler.json"] = json.dumps({**config, "env": {"production": production}}, indent=2)
        files[f"workers/{worker}/src/index.js"] = _INDEX.replace("KEYS", keys)
    clone = empty(root)
    clone.commit(files, "first")
    return clone


def environ_of(home: Path, cloud: Mapping[str, str]) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    git = {name: value for name, value in ENVIRON.items() if name.startswith("GIT_")}
    own = {"HOME": str(home), "PATH": os.environ["PATH"], "CATTLEGRID_CACHE": str(cache_folder(os.environ))}
    return {**git, **own, **cloud}
