"""Memory of the local Cloudflare with 2, 10 and 50 Workers, none and all of them awake."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import httpx2
from local_cloud import Cloud, local
from measure import Series
from memory_of import megabytes, tree
from programs import Programs
from results import Result, Row

TITLE = "memory of the local Cloudflare"
_IDLE = 15.0


def bench(programs: Programs, *, quick: bool) -> Result:
    found = []
    for count in (2,) if quick else (2, 10, 50):
        with tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as name:
            state = Path(name) / "cloud"
            with local(programs, state, idle_seconds=_IDLE) as cloud:
                if not found:
                    found.append(Row("no Worker", Series((_taken(state),)), "MB"))
                for number in range(count):
                    _upload(cloud, f"memory-{number}")
                for number in range(count):
                    _ask(cloud, f"memory-{number}")
                found.append(Row(f"{count} Workers, all awake", Series((_taken(state),)), "MB"))
                time.sleep(2 * _IDLE)
                found.append(Row(f"{count} Workers, all asleep", Series((_taken(state),)), "MB"))
    return Result(TITLE, _SETTING, tuple(found), ())


def _taken(state: Path) -> float:
    return megabytes(tree(lambda command: str(state) in command))


def _ask(cloud: Cloud, script: str) -> None:
    url = f"http://127.0.0.1:{cloud.running.router_port}/"
    host = {"Host": cloud.url(script).split("/")[2]}
    httpx2.get(url, headers=host, trust_env=False, timeout=60).raise_for_status()


def _upload(cloud: Cloud, script: str) -> None:
    """A Worker with a page of its own; uploaded by plain HTTP, since wrangler's time is not what is measured."""
    metadata = {"main_module": "index.js", "compatibility_date": "2026-11-01", "bindings": []}
    code = f"export default {{ fetch: () => new Response('{script}') }};"
    files = {
        "metadata": (None, json.dumps(metadata), "application/json"),
        "index.js": ("index.js", code, "application/javascript+module"),
    }
    account = f"{cloud.running.base_url}/accounts/{cloud.running.account}"
    headers = {"Authorization": f"Bearer {cloud.environ['CLOUDFLARE_API_TOKEN']}"}
    with httpx2.Client(trust_env=False, headers=headers, timeout=60) as client:
        client.put(f"{account}/workers/scripts/{script}", files=files).raise_for_status()
        body = {"enabled": True}
        client.post(f"{account}/workers/scripts/{script}/subdomain", json=body).raise_for_status()


_SETTING = """
The kernel's proportional set size of the daemon and of every process below it. A Worker that nobody asks for some
minutes costs no process; it is started again by its next request.
"""
