"""A local Cloudflare of a test's own, as its own processes, spoken to over HTTP."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from cattlegrid.local import daemon
from cattlegrid.local.daemon import Running
from cattlegrid.toolchain import Toolchain


@dataclass(frozen=True)
class Home:
    state: Path
    parts: Toolchain
    client: httpx2.Client

    def up(self, **more: Any) -> Running:
        return daemon.up(self.state, node=self.parts.node, modules=self.parts.modules, **more)

    @property
    def running(self) -> Running:
        running = daemon.status(self.state)
        assert running is not None
        return running

    def api(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """`path` after /accounts/<id>, or from /local or /user on."""
        env = daemon.env(self.state)
        own = path.startswith(("/local", "/user"))
        prefix = "" if own else f"/accounts/{env['CLOUDFLARE_ACCOUNT_ID']}"
        headers = {"Authorization": f"Bearer {env['CLOUDFLARE_API_TOKEN']}", **more.pop("headers", {})}
        return self.client.request(method, env["CLOUDFLARE_API_BASE_URL"] + prefix + path, headers=headers, **more)

    def result(self, method: str, path: str, **more: Any) -> Any:
        answer = self.api(method, path, **more)
        assert answer.is_success, answer.text
        return answer.json()["result"]

    def put(self, script: str, code: str, *bindings: Mapping[str, object], **metadata: Any) -> httpx2.Response:
        """Uploads and deploys, and puts the Worker on workers.dev."""
        told = {"main_module": "index.js", "compatibility_date": "2026-01-01", "bindings": bindings, **metadata}
        files = {
            "metadata": (None, json.dumps(told)),
            "index.js": ("index.js", code, "application/javascript+module"),
        }
        answer = self.api("PUT", f"/workers/scripts/{script}", files=files)
        if answer.is_success:
            self.result("POST", f"/workers/scripts/{script}/subdomain", json={"enabled": True})
        return answer

    def ask(self, script: str, path: str = "/", *, method: str = "GET", **more: Any) -> httpx2.Response:
        host = {"Host": f"{script}.local.localhost", **more.pop("headers", {})}
        url = f"http://127.0.0.1:{self.running.router_port}{path}"
        return self.client.request(method, url, headers=host, **more)

    def processes(self) -> dict[int, str]:
        """The daemon and its children with their command lines."""
        return {self.running.pid: "daemon", **children(self.running.pid)}


def children(parent: int) -> dict[int, str]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def alive(pid: int) -> bool:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextmanager
def home(parts: Toolchain, folder: Path, **more: Any) -> Iterator[Home]:
    with httpx2.Client(trust_env=False, timeout=60) as client:
        made = Home(folder / "state", parts, client)
        made.up(**more)
        try:
            yield made
        finally:
            daemon.reset(made.state)


def until(condition: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    """Polls; a connection that fails counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what}")


def carried() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "HOME") if name in os.environ}
