"""A target is an environment, resolved: address, account, credential, scripts, databases and label as one value.

No code path takes one of these from elsewhere, so a session cannot be half switched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import WorkerSettings
from cattlegrid.model.secret import Secret


@dataclass(frozen=True)
class Account:
    """Where Cloudflare's API answers, for which account, with which credential."""

    api: str
    account_id: str
    token: Secret


@dataclass(frozen=True)
class Database:
    """One D1 binding of a worker in one environment. `migrations` is the folder, absolute, or None.

    `id` is empty when the file names no database: wrangler makes one at the first deploy. `pattern` chooses the
    migration files inside the folder.
    """

    binding: str
    id: str
    name: str
    migrations: Path | None
    table: str = "d1_migrations"
    pattern: str = "*.sql"


@dataclass(frozen=True)
class Deployable:
    """One worker in one environment: `script` is its name on Cloudflare, `config` what wrangler would resolve there.

    `folder` is absolute: programs run there. `environment_flag` is the value for wrangler's `--env`; None is the file's
    top level, for which wrangler wants `--env=`.
    """

    worker: WorkerSettings
    script: str
    config: Mapping[str, object]
    databases: tuple[Database, ...]
    folder: Path
    environment_flag: str | None = None


@dataclass(frozen=True)
class Target:
    """`workers` by the fleet's names, in the fleet's order."""

    environment: Environment
    account: Account
    workers: Mapping[str, Deployable]

    @property
    def label(self) -> str:
        return self.environment.value
