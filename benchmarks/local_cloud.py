"""A local Cloudflare for one benchmark, with the two environments of a fleet on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from programs import Programs

from cattlegrid.local import daemon
from cattlegrid.local.daemon import Running


@dataclass(frozen=True)
class Cloud:
    """`environ` is what the programs get: theirs, and wrangler's own variables."""

    running: Running
    environ: Mapping[str, str]

    def url(self, script: str, path: str = "/") -> str:
        return self.running.worker_address(script) + path


@contextmanager
def local(programs: Programs, folder: Path, *, idle_seconds: float = 300.0) -> Iterator[Cloud]:
    """Its state in `folder`; gone afterwards. The rate limit is lifted: the limit is not what is measured."""
    parts = programs.parts
    running = daemon.up(folder, node=parts.node, modules=parts.modules, idle_seconds=idle_seconds)
    try:
        env = daemon.env(folder)
        headers = {"Authorization": f"Bearer {env['CLOUDFLARE_API_TOKEN']}"}
        with httpx2.Client(trust_env=False, headers=headers) as client:
            client.put(f"{running.base_url}/local/rate-limit", json={"calls": 1_000_000}).raise_for_status()
        yield Cloud(running, {**programs.environ, **env})
    finally:
        daemon.reset(folder)
