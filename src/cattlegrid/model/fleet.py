"""The Workers of a repository, as `cattlegrid.toml` describes them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cattlegrid.errors import UnknownWorker
from cattlegrid.model.environment import Environment


@dataclass(frozen=True)
class HttpCheck:
    """One declared smoke check. `auth` names a secret; "none" sends no credential and says so; None uses none."""

    method: str
    path: str
    status: int = 200
    auth: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object | None = None
    text: str | None = None
    within: float | None = None

    @property
    def name(self) -> str:
        how = "" if self.auth is None else " without a key" if self.auth == "none" else f" with {self.auth}"
        return f"{self.method} {self.path}{how} → {self.status}"


@dataclass(frozen=True)
class Auth:
    """How a request to a worker is authenticated: `header: scheme <secret>`; `secret` is a name, not a value."""

    header: str
    scheme: str
    secret: str


@dataclass(frozen=True)
class WorkerSettings:
    """One Worker: `folder` and `config` (its wrangler file) are POSIX paths relative to the fleet's root.

    `tools` says of its MCP tools, by name, what they do: "read", "write" or "destructive".
    """

    name: str
    folder: str
    config: str
    smoke: tuple[HttpCheck, ...] = ()
    health: str | None = "/health"
    probe: str | None = None
    auth: Auth | None = None
    secrets: tuple[str, ...] = ()
    mcp: str | None = None
    inputs: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EnvironmentSettings:
    """What `[environments.<name>]` says. `soak` in seconds; `account_id` when this environment has its own account.

    `token` is the name of the environment variable that holds this environment's API token, never a token. `signers` is
    the path of an allowed-signers file; without `self_approval` an author of the release may not approve it.
    """

    environment: Environment
    account_id: str | None = None
    token: str = "CLOUDFLARE_API_TOKEN"  # noqa: S105 - a variable's name
    gate: tuple[str, ...] = ()
    soak: float = 0.0
    approval: str | None = None
    signers: str | None = None
    self_approval: bool = True


@dataclass(frozen=True)
class Approver:
    """A person who may approve. `keys` and `revoked` are lines of OpenSSH public keys, `emails` those in commits."""

    name: str
    keys: tuple[str, ...]
    emails: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecretPolicy:
    """Names only. `isolated` differ between the environments, `shared` are equal in both."""

    store: str = "dotenv"
    isolated: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    production_only: tuple[str, ...] = ()
    staging_only: tuple[str, ...] = ()

    def names(self, environment: Environment) -> tuple[str, ...]:
        """The names that must exist in this environment."""
        only = self.production_only if environment is Environment.PRODUCTION else self.staging_only
        return (*self.isolated, *self.shared, *only)


@dataclass(frozen=True)
class MirrorSettings:
    """What `[mirror]` says. `mask` by `table.column` or a pattern: the name of a mask, `keep`, `null`, `const:…`, or a
    table of JSON paths. `key` names the secret that masks are keyed with; `accept` are columns in which the leak scan
    may find addresses.
    """

    key: str = "MIRROR_KEY"
    skip: tuple[str, ...] = ()
    schema_only: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    mask: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Fleet:
    """`cattlegrid.toml`, checked. `root` is absolute; `shared` are paths and globs that touch every worker."""

    root: Path
    name: str
    workers: tuple[WorkerSettings, ...]
    shared: tuple[str, ...]
    environments: Mapping[Environment, EnvironmentSettings]
    secrets: SecretPolicy
    ventures: Mapping[str, tuple[Environment, ...]] = field(default_factory=dict)
    approvers: tuple[Approver, ...] = ()
    mirror: MirrorSettings = field(default_factory=MirrorSettings)

    def named(self, names: tuple[str, ...]) -> tuple[WorkerSettings, ...]:
        """The workers of these names, in the fleet's order; all of them without names. Raises UnknownWorker."""
        known = {worker.name: worker for worker in self.workers}
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"the workers are {', '.join(known)}"
                raise UnknownWorker(f"there is no worker {name!r}; {hint}", next="cattlegrid changes")
        return tuple(worker for worker in self.workers if not names or worker.name in names)
