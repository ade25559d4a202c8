"""Uploads by plain HTTP: what a test needs a Worker for, without the seconds of a wrangler call."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from clouds import Cloud


def send(cloud: Cloud, name: str, code: str, query: str = "", **metadata: Any) -> httpx2.Response:
    """PUT of a script of one module, whatever comes of it."""
    told = {"main_module": "index.js", "compatibility_date": "2026-01-01", **metadata}
    files = {
        "metadata": (None, json.dumps(told)),
        "index.js": ("index.js", code, "application/javascript+module"),
    }
    return cloud.api("PUT", f"/workers/scripts/{name}{query}", files=files)


def put(cloud: Cloud, code: str, *, name: str | None = None, **metadata: Any) -> str:
    """The name of a Worker that is deployed on workers.dev; deleted at the end of the session when it is new."""
    script = name or cloud.name()
    answer = send(cloud, script, code, **metadata)
    assert answer.is_success, answer.text
    if name is None:
        cloud.discard(lambda: cloud.api("DELETE", f"/workers/services/{script}?force=true"))
        cloud.result("POST", f"/workers/scripts/{script}/subdomain", json={"enabled": True})
    return script
