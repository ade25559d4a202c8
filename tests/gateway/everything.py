"""The reference *everything* server, behind a Worker that passes each request on to it and counts what it was told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2

from cattlegrid.toolchain import Toolchain
from herd import Herd

PROGRAM = Path(__file__).parents[1] / "node/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
FRONT = """\
const told = [];
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return Response.json({ environment: "staging", version: { id: env.VERSION.id } });
    if (pathname === "/told") return Response.json(told);
    const body = request.method === "POST" ? await request.text() : undefined;
    if (body) told.push(JSON.parse(body).method);
    const headers = new Headers(request.headers);
    headers.delete("host");
    return fetch(env.ORIGIN + "/mcp", { method: request.method, headers, body });
  },
};
"""


@contextmanager
def everything(parts: Toolchain) -> Iterator[str]:
    """Its address, on a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {"PATH": os.environ["PATH"], "PORT": str(port)}
    argv = [str(parts.node), str(PROGRAM), "streamableHttp"]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _until_it_answers(f"{url}/mcp")
            yield url
        finally:
            process.kill()


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx2.get(url, trust_env=False)
        except httpx2.TransportError:
            assert time.monotonic() < deadline, f"nothing listens at {url}"
            time.sleep(0.05)
        else:
            return


def front_fleet(herd: Herd, parts: Toolchain, folder: Path, origin: str) -> Herd:
    """One Worker, `front`, live in staging."""
    place = folder / "fleet/workers/front"
    place.mkdir(parents=True)
    (place / "index.js").write_text(FRONT)
    version = {"version_metadata": {"binding": "VERSION"}}
    production = {"name": "front", **version, "vars": {"ORIGIN": "http://127.0.0.1:9"}}
    config = {
        "name": "front-staging",
        "main": "index.js",
        "compatibility_date": "2026-01-01",
        **version,
        "vars": {"ORIGIN": origin},
        "env": {"production": production},
    }
    (place / "wrangler.json").write_text(json.dumps(config))
    token = herd.environ["PRODUCTION_API_TOKEN"]
    environ = {**herd.environ, "CLOUDFLARE_API_TOKEN": token, "CI": "1"}
    done = subprocess.run(
        [*parts.wrangler, "deploy", "--env="], cwd=place, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "fleet/cattlegrid.toml").write_text(
        '[fleet]\nname = "front"\nworkers = ["workers/*"]\n[environments.production]\ntoken = "PRODUCTION_API_TOKEN"\n'
        '[environments.staging]\ntoken = "FRONT_TOKEN"\n[workers.front]\nmcp = "/mcp"\n'
    )
    return replace(herd, folder=folder / "fleet", environ={**herd.environ, "FRONT_TOKEN": token})
