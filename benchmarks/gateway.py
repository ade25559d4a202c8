"""A tool call through the gateway, against a direct one, against mcp-proxy and against FastMCP's proxy."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from measure import Run, Series, run
from programs import Programs
from results import Goal, Result, Row, rows

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from cattlegrid.local import daemon
from herd import Herd, raise_herd

TITLE = "gateway"
OURS, DIRECT, FASTMCP, MCP_PROXY = "cattlegrid mcp", "direct, no proxy", "FastMCP create_proxy", "mcp-proxy"
_PEERS: Final = {FASTMCP: "fastmcp==4.2.3", MCP_PROXY: "mcp-proxy==0.13.0"}
_FAST: Final = """
import os
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.server import create_proxy
headers = {"Authorization": os.environ["KEY"], "Host": os.environ["WORKER_HOST"]}
create_proxy(StreamableHttpTransport(os.environ["URL"], headers=headers)).run(show_banner=False)
"""


@dataclass(frozen=True)
class Measured:
    """Seconds: the median call one after the other, its 95th percentile, and a call's share of 50 at once."""

    p50: float
    p95: float
    at_fifty: float
    cpu: float


@dataclass(frozen=True)
class Place:
    """The Worker, as a client without us would be told of it."""

    url: str
    host: str
    key: str


def bench(programs: Programs, *, quick: bool) -> Result:
    calls, rounds = (20, 1) if quick else (100, 3)
    with tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as name:
        herd = raise_herd(programs.parts, Path(name))
        try:
            place = _place(herd)
            contenders = _contenders(programs, herd, place, Path(name))
            found: dict[str, list[Measured]] = {one: [] for one in contenders}
            for number in range(rounds):
                names = list(contenders)
                for one in names[number % len(names) :] + names[: number % len(names)]:
                    few = calls if one != FASTMCP else max(10, calls // 5)
                    found[one].append(anyio.run(_measure, contenders[one], few))
            starts = _starts(programs, herd, rounds)
        finally:
            daemon.reset(herd.state)
    return _result(found, starts)


def _result(found: Mapping[str, list[Measured]], starts: Mapping[str, Series]) -> Result:
    def series(part: str) -> dict[str, Series]:
        return {one: Series(tuple(getattr(each, part) for each in many)) for one, many in found.items()}

    p50, p95, fifty, cpu = (series(part) for part in ("p50", "p95", "at_fifty", "cpu"))
    table = [
        *(Row(f"{row.name}: p50", row.series, "s", row.ratio) for row in rows(p50, OURS)),
        *(Row(f"{row.name}: p95", row.series, "s", row.ratio) for row in rows(p95, OURS)),
        *(Row(f"{row.name}: a call's share of 50 at once", row.series, "s", row.ratio) for row in rows(fifty, OURS)),
        *(Row(f"{row.name}: processor time a call", row.series, "s", row.ratio) for row in rows(cpu, OURS)),
        *(Row(name, one, "s") for name, one in starts.items()),
    ]
    busy = "Two processors were shared with other work in this run; see the spread."
    goals = [
        Goal("≤ 2 x a direct call's p50", p50[OURS].over(p50[DIRECT]).median, 2, "x", busy),
        Goal("`cattlegrid run` adds ≤ 0.4 s", starts["cattlegrid run"].low, 0.4, "s", busy),
        Goal("`cattlegrid banner` ≤ 0.1 s", starts["cattlegrid banner"].low, 0.1, "s", busy),
        Goal("`cattlegrid guard` ≤ 0.1 s", starts["cattlegrid guard"].low, 0.1, "s", busy),
    ]
    if FASTMCP in p50:
        ratio = p50[FASTMCP].over(p50[OURS]).median
        goals.insert(1, Goal("≥ 8 x faster than FastMCP's proxy", ratio, 8, "x", busy, at_least=True))
        less = cpu[FASTMCP].over(cpu[OURS]).median
        goals.insert(2, Goal("≥ 8 x less processor time than FastMCP's", less, 8, "x", busy, at_least=True))
    return Result(TITLE, _SETTING, tuple(table), tuple(goals))


def _place(herd: Herd) -> Place:
    line = next(one for one in (herd.folder / "secrets/staging.env").read_text().splitlines() if "CONTEXT_KEY" in one)
    host = f"context-staging.local.localhost:{herd.router}"
    return Place(f"http://127.0.0.1:{herd.router}/mcp", host, f"Bearer {line.partition('=')[2]}")


def _contenders(
    programs: Programs, herd: Herd, place: Place, folder: Path
) -> dict[str, Callable[[], AbstractAsyncContextManager[Client]]]:
    headers = {"Authorization": place.key, "Host": place.host}

    def direct() -> Client:
        http = httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30)
        return Client(streamable_http_client(place.url, http_client=http), mode="legacy")

    def stdio(*argv: str, **env: str) -> Callable[[], Client]:
        whole = {**programs.environ, **herd.environ, **env}
        server = StdioServerParameters(command=argv[0], args=list(argv[1:]), env=whole, cwd=str(herd.folder))
        return lambda: Client(stdio_client(server, errlog=(folder / "stderr").open("a")), mode="legacy")

    ours = stdio(programs.cattlegrid, "mcp", XDG_STATE_HOME=str(folder))
    found: dict[str, Callable[[], AbstractAsyncContextManager[Client]]] = {OURS: ours, DIRECT: direct}
    script = folder / "fast.py"
    script.write_text(_FAST)
    told = {"KEY": place.key, "URL": place.url, "WORKER_HOST": place.host}
    found[FASTMCP] = stdio(_peer(FASTMCP, "python"), str(script), **told)
    words = ("--transport", "streamablehttp", "--headers", "Authorization", place.key, "--headers", "Host", place.host)
    found[MCP_PROXY] = stdio(_peer(MCP_PROXY, "mcp-proxy"), *words, place.url)
    return found


def _peer(name: str, program: str) -> str:
    """The other's program, from a virtual environment of its own beside this module, made once."""
    folder = Path(__file__).with_name(".peers") / _PEERS[name].replace("==", "-")
    if not (folder / "bin" / program).exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", _PEERS[name]]
        subprocess.run(pip, check=True)
    return str(folder / "bin" / program)


async def _measure(connect: Callable[[], AbstractAsyncContextManager[Client]], calls: int) -> Measured:
    async with connect() as client:

        def ask() -> Awaitable[Any]:
            return client.session.call_tool("recent_sessions", {"limit": 1})

        for _ in range(5):
            await ask()
        before, seconds = _children(), []
        for _ in range(calls):
            started = time.perf_counter()
            result = await ask()
            seconds.append(time.perf_counter() - started)
            assert not result.is_error, result
        cpu = (_children() - before) / calls
        started = time.perf_counter()
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(ask)
        fifty = (time.perf_counter() - started) / 50
    return Measured(statistics.median(seconds), sorted(seconds)[int(len(seconds) * 0.95)], fifty, cpu)


def _children() -> float:
    """Processor seconds of the processes that this one has started and that still run."""
    total, tick = 0.0, os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            total += (int(fields[11]) + int(fields[12])) / tick
    return total


def _starts(programs: Programs, herd: Herd, rounds: int) -> dict[str, Series]:
    place, sessions = herd.state.parent / "session", herd.state.parent / "sessions"
    place.mkdir()
    sessions.mkdir(mode=0o700)
    environ = {**programs.environ, **herd.environ, "XDG_RUNTIME_DIR": str(sessions)}
    copied = f"cp $CATTLEGRID_SESSION/session.json {place}"
    run([programs.cattlegrid, "run", "--", "sh", "-c", copied], cwd=herd.folder, env=environ)
    inside = {**environ, "CATTLEGRID_SESSION": str(place)}
    asked = place / "asked.json"
    asked.write_text('{"tool_name": "Bash", "tool_input": {"command": "npm run deploy:prod"}}')

    def took(*argv: str, env: Mapping[str, str], codes: tuple[int, ...] = (0,)) -> Run:
        return run(list(argv), cwd=herd.folder, env=env, codes=codes)

    guard = f"{programs.cattlegrid} guard < {asked}"
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds * 2):
        while any(sessions.iterdir()):
            time.sleep(0.05)  # the gateway of an agent that has ended still loads, and is no part of the next round
        bare = took("true", env=environ)
        whole = {
            "cattlegrid banner": took(programs.cattlegrid, "banner", env=inside),
            "cattlegrid guard": took("sh", "-c", guard, env=inside, codes=(2,)),
            "cattlegrid run": took(programs.cattlegrid, "run", "--", "true", env=environ),
        }
        for name, one in whole.items():
            found[name].append(one.seconds - (bare.seconds if name == "cattlegrid run" else 0))
            found[f"{name}: processor time"].append(one.cpu)
    return {name: Series(tuple(many)) for name, many in found.items()}


_SETTING = """
`recent_sessions` of the example fleet's `context` Worker on the local Cloudflare, called by the official Python client:
one call after the other, then 50 at once. The three proxies are stdio processes in front of the same Worker; the
direct client speaks to it over HTTP. FastMCP's is `create_proxy` as its documentation has it. Starts are whole
processes, `run` with one authenticated call of the Worker and without the agent's own time.
"""
