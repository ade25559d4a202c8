"""What smoke examines: one worker's version at its address, and how to ask it something."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Auth
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable
from cattlegrid.model.version import Version

OVERRIDE = "Cloudflare-Workers-Version-Overrides"


@dataclass(frozen=True)
class Subject:
    """`version` must be the one that answers at `address`. `ahead`: it is at 0 % and asked for by override header.

    `migrations` is the newest migration that each database must have, by binding; None for one without any.
    """

    environment: Environment
    deployable: Deployable
    version: Version
    address: str
    ahead: bool = False
    migrations: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def worker(self) -> str:
        return self.deployable.worker.name

    def check(self, name: str, outcome: Outcome, detail: str = "", seconds: float = 0.0) -> Check:
        return Check(name, outcome, detail, self.worker, seconds)


@dataclass(frozen=True)
class Reply:
    """`response` is None when none came; `trouble` then says why."""

    response: httpx2.Response | None
    trouble: str
    seconds: float


def ask(
    http: httpx2.Client,
    subject: Subject,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    key: tuple[Auth, Secret] | None = None,
    send: object | None = None,
) -> Reply:
    """One request to the worker, never repeated here. `send` goes as JSON."""
    sent = dict(headers or {})
    if subject.ahead:
        sent[OVERRIDE] = f'{subject.deployable.script}="{subject.version.id}"'
    if key is not None:
        auth, secret = key
        sent[auth.header] = f"{auth.scheme} {secret.reveal()}".strip()
    started = time.perf_counter()
    try:
        response = http.request(method, subject.address + path, headers=sent, json=send)
    except httpx2.HTTPError as error:
        return Reply(None, f"no answer: {error or type(error).__name__}", time.perf_counter() - started)
    return Reply(response, "", time.perf_counter() - started)


def json_of(response: httpx2.Response) -> object:
    """The body as JSON, or None when it is not JSON."""
    try:
        return response.json()
    except ValueError:
        return None


def shown(value: object) -> str:
    """A value of an answer as JSON, short enough for one line."""
    words = json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= 80 else f"{words[:77]}…"
