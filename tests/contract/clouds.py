"""What the contract tests hold in their hands: a cloud, and wrangler projects on it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from cattlegrid.toolchain import Toolchain

REAL = os.environ.get("CATTLEGRID_CONTRACT") == "real"
_CARRIED = ("PATH", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Ran:
    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Cloud:
    """`workers` is where deployed Workers answer, None on a real account; `state` is the local state folder."""

    base_url: str
    token: str
    account: str
    parts: Toolchain
    home: Path
    workers: str | None
    state: Path | None
    client: httpx2.Client
    rubbish: list[Callable[[], object]] = field(default_factory=list)

    def name(self, word: str = "w") -> str:
        """A new unique name."""
        return f"cg-{word}-{uuid.uuid4().hex[:8]}"

    def env(self, **more: str) -> dict[str, str]:
        carried = {name: os.environ[name] for name in _CARRIED if name in os.environ}
        ours = {
            "CLOUDFLARE_API_BASE_URL": self.base_url,
            "CLOUDFLARE_API_TOKEN": self.token,
            "CLOUDFLARE_ACCOUNT_ID": self.account,
            "WRANGLER_SEND_METRICS": "false",
            "CI": "1",
            "NO_COLOR": "1",
            "HOME": str(self.home),
            # Node keeps wrangler's compiled code there: 0.35 s less for each of some hundred calls.
            "NODE_COMPILE_CACHE": str(self.home / "node-compile-cache"),
        }
        return {**carried, **ours, **more}

    def wrangler(
        self,
        *args: str,
        cwd: Path,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """The real wrangler; never raises for its exit code."""
        ran = subprocess.run(
            [*self.parts.wrangler, *args],
            cwd=cwd,
            env=self.env(**(env or {})),
            input=input if input is not None else "",
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def done(self, *args: str, cwd: Path, input: str | None = None) -> str:
        """What wrangler printed; a failure fails the test with all of it."""
        ran = self.wrangler(*args, cwd=cwd, input=input)
        assert ran.code == 0, f"wrangler {' '.join(args)} exited {ran.code}:\n{ran.said}"
        return ran.stdout

    def api(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx2.Response:
        """`path` after /accounts/<id> when it begins with neither /user, /zones, /accounts, /local nor /memberships."""
        own = path.startswith(("/user", "/accounts", "/zones", "/local", "/memberships", "/graphql"))
        headers = {"Authorization": f"Bearer {token or self.token}", **more.pop("headers", {})}
        url = self.base_url + (path if own else f"/accounts/{self.account}{path}")
        return self.client.request(method, url, headers=headers, **more)

    def result(self, method: str, path: str, **more: Any) -> Any:
        """The `result` of a call that must succeed."""
        answer = self.api(method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["result"]

    def refusal(self, method: str, path: str, **more: Any) -> tuple[int, int]:
        """HTTP status and first code of a call that must be refused."""
        answer = self.api(method, path, **more)
        assert not answer.is_success, f"{method} {path} was not refused: {answer.text}"
        return answer.status_code, int(answer.json()["errors"][0]["code"])

    def fetch(
        self, script: str, path: str = "/", *, version: str | None = None, method: str = "GET", **more: Any
    ) -> httpx2.Response:
        """A request to a deployed Worker, `version` by its own address; `*.localhost` is loopback."""
        host = f"{version[:8]}-{script}" if version else script
        headers = more.pop("headers", {})
        if self.workers is None:
            subdomain = self.result("GET", "/workers/subdomain")["subdomain"]
            return self.client.request(method, f"https://{host}.{subdomain}.workers.dev{path}", headers=headers, **more)
        port = self.workers.rpartition(":")[2]
        sent = {"Host": f"{host}.local.localhost:{port}", **headers}
        return self.client.request(method, self.workers + path, headers=sent, **more)

    def discard(self, undo: Callable[[], object]) -> None:
        self.rubbish.append(undo)


@dataclass(frozen=True)
class Project:
    """A wrangler project in a folder of its own."""

    cloud: Cloud
    folder: Path
    name: str

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def config(self, **more: Any) -> None:
        told = {"name": self.name, "main": "index.js", "compatibility_date": "2026-01-01", **more}
        self.write("wrangler.json", json.dumps({key: value for key, value in told.items() if value is not None}))

    def run(self, *args: str, input: str | None = None) -> str:
        return self.cloud.done(*args, cwd=self.folder, input=input)

    def try_(self, *args: str, input: str | None = None) -> Ran:
        return self.cloud.wrangler(*args, cwd=self.folder, input=input)

    def get(self, path: str = "/", **more: Any) -> httpx2.Response:
        return self.cloud.fetch(self.name, path, **more)


def make_project(cloud: Cloud, folder: Path, word: str) -> Project:
    one = Project(cloud, folder / word, cloud.name(word))
    one.write("index.js", "export default { fetch: (request, env) => new Response(env.GREETING ?? 'no greeting') };\n")
    one.config(vars={"GREETING": "hello"})
    cloud.discard(lambda: cloud.api("DELETE", f"/workers/services/{one.name}?force=true"))
    return one


def until(condition: Callable[[], bool], *, seconds: float = 60.0, what: str) -> None:
    """Polls; fails with `what` after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
