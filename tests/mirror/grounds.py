"""What the mirror's tests hold in their hands: a cloud whose databases can also be looked into as files, and a road."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
from exactly import content, structure

from cattlegrid.clock import Clock
from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Listed, Statement
from cattlegrid.local.layout import Layout
from cattlegrid.local.runtime.storage import Storage
from cattlegrid.mirror import run, schema
from cattlegrid.mirror.engine import OnD1
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.portion import Portion
from cattlegrid.mirror.rules import KEEP_ALL, Rules
from cattlegrid.mirror.run import Copied, Job
from cattlegrid.mirror.staging import StagingWriter
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Target

Fault = Callable[..., None]
"""Arms a fault of the local Cloudflare."""


@dataclass(frozen=True)
class Cloud:
    client: Client
    environ: dict[str, str]
    layout: Layout

    def database(self, *made: Statement) -> Listed:
        new = d1.create(self.client, f"cg-{uuid.uuid4().hex[:12]}")
        for at in range(0, len(made), 60):
            d1.batch(self.client, new.id, made[at : at + 60], repeatable=False)
        return new

    def rows(self, database: Listed, sql: str) -> list[list[object]]:
        return d1.batch(self.client, database.id, [Statement(sql)], repeatable=True)[0].rows

    def file(self, database: Listed) -> Path:
        """Where workerd keeps the database: SQLite itself can look into it."""
        nowhere = Path()
        return Storage(nowhere, nowhere, self.layout.folder / "storage", nowhere, nowhere).d1_file(database.id)

    def tell(self, method: str, path: str, said: object = None) -> None:
        """A request to what only the local Cloudflare has: faults, limits."""
        headers = {"authorization": f"Bearer {self.client.account.token.reveal()}"}
        answer = httpx2.request(method, f"{self.client.account.api}{path}", json=said, headers=headers, trust_env=False)
        assert answer.is_success, answer.text


@dataclass(frozen=True)
class Road:
    """Production's database and an empty one of staging."""

    cloud: Cloud
    production: Listed
    staging: Listed

    def mirror(self, *, rules: Rules = KEEP_ALL, size: int = 4_000_000, portion: Portion | None = None) -> Copied:
        client = self.cloud.client
        source = OnD1(client, self.production.id, self.production.name, portion or Portion())
        job = Job(
            source=source,
            writer=self.writer(),
            schema=schema.read(source),
            rules=rules,
            clock=Clock(),
            bookmark=lambda: d1.bookmark(client, self.production.id),
            about={"source": self.production.id},
            target_bytes=size,
        )
        copied = run.run(job, Leaks(rules))
        run.forget(job.writer)
        return copied

    def writer(self) -> StagingWriter:
        account = self.cloud.client.account
        staging, production = (Target(one, account, {}) for one in (Environment.STAGING, Environment.PRODUCTION))
        return StagingWriter(staging, production, self.cloud.client, self.staging.id, self.staging.name)

    def exact(self) -> bool:
        here, there = self.cloud.file(self.production), self.cloud.file(self.staging)
        return content(there) == content(here) and structure(there) == structure(here)
