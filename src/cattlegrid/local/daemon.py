"""The local Cloudflare as a background process: up, down, status, env, reset, faults."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from cattlegrid.local.layout import Layout

_PATIENCE = 30.0
_PAUSE = 0.03
# A predecessor that was killed has children that end, and give their ports back, a moment after it.
_LAST_BREATH = 2.0
# Below the range from which the kernel gives outgoing connections their ports (32768 and up on Linux, 49152 on macOS):
# a port of that range that was free yesterday is somebody's connection today.
_PORTS = range(20_000, 32_000)


class DaemonError(Exception):
    """`message` is what is wrong and where, `next` what to type."""

    def __init__(self, message: str, *, next: str) -> None:
        super().__init__(message)
        self.message = message
        self.next = next


@dataclass(frozen=True)
class Running:
    """Where it is. The token's value is in the file `token`; `worker_address` has the Worker's name to fill in."""

    state: Path
    pid: int
    port: int
    router_port: int
    account: str
    token: Path
    logs: Path

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/v4"

    def worker_address(self, script: str) -> str:
        return f"http://{script}.local.localhost:{self.router_port}"


def up(
    state: Path,
    *,
    node: Path,
    modules: Path,
    port: int | None = None,
    router_port: int | None = None,
    idle_seconds: float = 300.0,
) -> Running:
    """Starts it, or finds it running. Ports are chosen once and kept, so that addresses stay the same.

    Raises DaemonError: a port is taken, the state folder cannot be used or is a newer release's, the disk is full, or
    it did not become ready.
    """
    layout = Layout(state.absolute())
    with _usable(layout), _turn(layout):
        if running := status(state):
            return running
        _await_the_dead(layout)
        layout.reserve()
        ports = _ports(layout, port, router_port)
        argv = [sys.executable, "-m", "cattlegrid.local", "serve", "--state", str(layout.folder), "--node", str(node)]
        argv += ["--modules", str(modules), "--port", str(ports[0]), "--router-port", str(ports[1])]
        argv += ["--idle-seconds", str(idle_seconds)]
        running = _started(layout, argv)
        layout.ports.write_text(json.dumps(ports))
        return running


@contextlib.contextmanager
def _usable(layout: Layout) -> Iterator[None]:
    try:
        if layout.foreign():
            message = f"{layout.folder} holds other files and no state of the local Cloudflare"
            raise DaemonError(message, next="choose an empty or a new folder with --state")
        layout.create()
        yield
    except OSError as wrong:
        if wrong.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"the disk that holds {layout.folder} is full"
            raise DaemonError(message, next=f"df -h {layout.folder}; free space, then repeat") from wrong
        message = f"the state folder {layout.folder} cannot be used: {wrong.strerror} ({wrong.filename})"
        raise DaemonError(message, next=f"ls -ld {wrong.filename}, or choose another folder with --state") from wrong


def status(state: Path) -> Running | None:
    """None when it is not running, or not ready yet. Raises DaemonError when the folder cannot be read."""
    layout = Layout(state.absolute())
    try:
        pid = layout.holder()
        if pid is None or not layout.address.is_file():
            return None
        told = json.loads(layout.address.read_text())
    except OSError as wrong:
        message = f"the state folder {layout.folder} cannot be read: {wrong.strerror}"
        raise DaemonError(message, next=f"ls -ld {wrong.filename}") from wrong
    if told["pid"] != pid or _dead(pid):
        return None
    return Running(state, pid, told["port"], told["router_port"], told["account"], layout.token, layout.logs)


def down(state: Path) -> bool:
    """Stops it and waits until it has ended; False when it was not running."""
    layout = Layout(state.absolute())
    pid = layout.holder()
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not _until(lambda: layout.holder() is None, 15.0):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if not _until(lambda: layout.holder() is None, 5.0):
            raise DaemonError(f"the local Cloudflare, process {pid}, does not end", next=f"kill -9 {pid}")
    return True


def _await_the_dead(layout: Layout) -> None:
    """A killed process keeps its lock until the last of its threads has ended, a moment later when it was busy."""
    pid = layout.holder()
    if pid is not None and _dead(pid):
        _until(lambda: layout.holder() is None, 15.0)


def _dead(pid: int) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return told.rpartition(")")[2].split()[0] in "ZX"


def env(state: Path) -> dict[str, str]:
    """wrangler's own variables. Contains the token. Raises DaemonError when it is not running."""
    running = _running(state)
    return {
        "CLOUDFLARE_API_BASE_URL": running.base_url,
        "CLOUDFLARE_API_TOKEN": running.token.read_text().strip(),
        "CLOUDFLARE_ACCOUNT_ID": running.account,
    }


def reset(state: Path) -> bool:
    """Stops it and forgets everything; False when there was nothing. Deletes only a folder that it made."""
    layout = Layout(state.absolute())
    if not state.exists():
        return False
    if not layout.ours():
        raise DaemonError(f"{state} is not a state folder of the local Cloudflare", next=f"ls {state}")
    down(state)
    shutil.rmtree(state)
    return True


def arm(state: Path, fault: Mapping[str, Any]) -> str:
    """The armed fault's id. Fields as in docs/local.md. Raises DaemonError naming a wrong field."""
    return str(_asked(state, "POST", "/local/faults", dict(fault))["id"])


def armed(state: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _asked(state, "GET", "/local/faults")
    return found


def disarm(state: Path) -> None:
    """All of them."""
    _asked(state, "DELETE", "/local/faults")


def fire(state: Path, script: str, cron: str | None = None) -> dict[str, str]:
    """Runs a cron now, the Worker's first when none is named: {"cron", "outcome"}, and "ok" is the good outcome.

    Raises DaemonError when there is no such Worker or schedule.
    """
    path = f"/accounts/{_running(state).account}/workers/scripts/{script}/schedules/fire"
    fired: dict[str, str] = _asked(state, "POST", path, {"cron": cron} if cron else {}, next="cattlegrid local --help")
    return fired


def _running(state: Path) -> Running:
    running = status(state)
    if running is None:
        raise DaemonError(f"the local Cloudflare of {state} is not running", next="cattlegrid local up")
    return running


def _asked(
    state: Path,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    next: str = "cattlegrid local fault --help",
) -> Any:
    running = _running(state)
    headers = {"Authorization": f"Bearer {running.token.read_text().strip()}"}
    with httpx2.Client(trust_env=False, timeout=10) as client:
        answer = client.request(method, running.base_url + path, headers=headers, json=body).json()
    if not answer["success"]:
        raise DaemonError(answer["errors"][0]["message"], next=next)
    return answer["result"]


@contextlib.contextmanager
def _turn(layout: Layout) -> Iterator[None]:
    """One `up` at a time; the second finds what the first has started."""
    with layout.turn.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _ports(layout: Layout, port: int | None, router_port: int | None) -> tuple[int, int]:
    """Asked for, else kept from the last time, else free ones. Raises DaemonError for a taken one."""
    kept = json.loads(layout.ports.read_text()) if layout.ports.is_file() else [None, None]
    chosen = [port or kept[0], router_port or kept[1]]
    for one, option in zip(chosen, ("--port", "--router-port"), strict=True):
        if one is not None and not _until(lambda one=one: not _taken(one), _LAST_BREATH):
            message = (
                f"port {one} is taken by another program (this state, {layout.folder}, used it before or you chose it)"
            )
            raise DaemonError(message, next=f"cattlegrid local up {option} <another port>, or stop that program")
    free = (one for one in random.sample(_PORTS, len(_PORTS)) if one not in chosen and not _taken(one))
    ports = [one or next(free) for one in chosen]
    return ports[0], ports[1]


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _started(layout: Layout, argv: list[str]) -> Running:
    with layout.log.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=layout.folder
        )
    found: list[Running] = []

    def ready() -> bool:
        found.extend(filter(None, [status(layout.folder)]))
        return bool(found) or process.poll() is not None

    _until(ready, _PATIENCE)
    if found:
        process.returncode = 0  # It outlives us on purpose; Popen would warn of that when it is collected.
        return found[0]
    ended = process.poll() is not None
    if not ended:
        process.kill()
        process.wait()
    said = layout.log.read_bytes()[before:].decode("utf-8", "replace").strip().splitlines()
    told = next((line.removeprefix("error: ") for line in said if line.startswith("error: ")), None)
    what = told or f"the local Cloudflare {'ended at once' if ended else f'was not ready after {_PATIENCE:g} s'}"
    raise DaemonError(what, next=f"tail {layout.log}")


def _until(done: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(_PAUSE)
    return bool(done())
