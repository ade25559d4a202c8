"""The Workers of a repository, as `cattlegrid.toml` describes them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from cattlegrid.errors import Refused, UnknownWorker, UsageError
from cattlegrid.model.environment import Blocks, Environment


@dataclass(frozen=True)
class HttpCheck:
    """One declared smoke check. `auth` names a secret; "none" sends no credential and says so; None uses none.

    `send` is JSON for the request's body, `answers` headers of the answer and what their values must contain. `only` is
    the environment that is asked, None for both. `take` gives names to values of the answer, by path ("session.id"),
    for the steps after it: of a `smoke.toml` alone, as `title` is.
    """

    method: str
    path: str
    status: int = 200
    auth: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object | None = None
    text: str | None = None
    within: float | None = None
    send: object | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    only: Environment | None = None
    take: Mapping[str, str] = field(default_factory=dict)
    title: str = ""

    @property
    def name(self) -> str:
        if self.title:
            return self.title
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

    `smoke` are checks that are asked at once, `steps` those of its `smoke.toml`, one after another.
    `tools` says of its MCP tools, by name, what they do: "read", "write" or "destructive".
    """

    name: str
    folder: str
    config: str
    smoke: tuple[HttpCheck, ...] = ()
    steps: tuple[HttpCheck, ...] = ()
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
    the path of an allowed-signers file; without `self_approval` an author of the release may not approve it. `block` is
    what wrangler's files call the environment, empty: by its name.
    """

    environment: Environment
    account_id: str | None = None
    token: str = "CLOUDFLARE_API_TOKEN"  # noqa: S105 - a variable's name
    gate: tuple[str, ...] = ()
    soak: float = 0.0
    approval: str | None = None
    signers: str | None = None
    self_approval: bool = True
    block: str = ""


@dataclass(frozen=True)
class Approver:
    """A person who may approve. `keys` and `revoked` are lines of OpenSSH public keys, `emails` those in commits."""

    name: str
    keys: tuple[str, ...]
    emails: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()


class Kind(StrEnum):
    """The four lists of `[secrets]`."""

    ISOLATED = "isolated"
    SHARED = "shared"
    PRODUCTION_ONLY = "production-only"
    STAGING_ONLY = "staging-only"


@dataclass(frozen=True)
class About:
    """What `[secrets.about.NAME]` says of one secret. `max_age` in seconds, 0 for any age.

    `previous` is the name under which its Workers accept a second value while the first is being replaced.
    """

    form: str = "text"
    prefix: str = ""
    pattern: str = ""
    min_length: int = 0
    generate: str | None = None
    max_age: float = 0.0
    workers: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    previous: str | None = None


_NOTHING_SAID: Final = About()


@dataclass(frozen=True)
class Infisical:
    """Where the fleet's secrets are in Infisical. `slugs` are its own names of our environments."""

    url: str = "https://app.infisical.com"
    project: str = ""
    path: str = "/"
    slugs: Mapping[Environment, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SecretPolicy:
    """Names only. `isolated` differ between the environments, `shared` are equal in both.

    `venture` is whose they are, empty for the fleet's own; its `environments` are the only ones that have a store.
    """

    store: str = "sops"
    isolated: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    production_only: tuple[str, ...] = ()
    staging_only: tuple[str, ...] = ()
    about: Mapping[str, About] = field(default_factory=dict)
    infisical: Infisical = field(default_factory=Infisical)
    venture: str = ""
    environments: tuple[Environment, ...] = tuple(Environment)

    def names(self, environment: Environment) -> tuple[str, ...]:
        """The names that must exist in this environment, without aliases."""
        if environment not in self.environments:
            return ()
        only = self.production_only if environment is Environment.PRODUCTION else self.staging_only
        return (*self.isolated, *self.shared, *only)

    def kinds(self) -> dict[str, Kind]:
        """Every declared name, without aliases, with the list it is in."""
        lists = (self.isolated, self.shared, self.production_only, self.staging_only)
        return {name: kind for kind, names in zip(Kind, lists, strict=True) for name in names}

    @property
    def folder(self) -> str:
        """Where its files are, relative to the fleet's root."""
        return f"secrets/{self.venture}" if self.venture else "secrets"

    @property
    def option(self) -> str:
        """What a command that is about these secrets needs besides."""
        return f" --venture {self.venture}" if self.venture else ""

    def expect(self, environment: Environment) -> None:
        """Raises Refused for an environment that the venture does not have."""
        if environment not in self.environments:
            has = " and ".join(self.environments)
            raise Refused(
                f"venture {self.venture} has no {environment}: its secrets are those of {has}",
                where=f"cattlegrid.toml: ventures.{self.venture}.environments",
                next=f"repeat it with --env {self.environments[0]}",
            )

    def of(self, name: str) -> About:
        return self.about.get(name, _NOTHING_SAID)

    def canonical(self, name: str) -> str:
        """The declared name that this one is an alias of; the name itself when it is none."""
        return next((known for known, about in self.about.items() if name in about.aliases), name)

    def known(self, environment: Environment) -> frozenset[str]:
        """What may stand in the environment's store: its names, their aliases and their second slots."""
        names = self.names(environment)
        slots = (slot for name in names if (slot := self.of(name).previous))
        return frozenset((*names, *(alias for name in names for alias in self.of(name).aliases), *slots))


@dataclass(frozen=True)
class Ignore:
    """Findings of this rule do not count, in files that match the glob, for the reason given."""

    rule: str
    file: str
    reason: str


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
class BackupSettings:
    """What `[backup]` says. `folder` is relative to the fleet's root. With `recipients` every backup is encrypted."""

    folder: str = "backups"
    recipients: tuple[str, ...] = ()


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
    agent_hosts: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    venture_secrets: Mapping[str, SecretPolicy] = field(default_factory=dict)

    @property
    def one_account(self) -> bool:
        """Whether both environments are in one account: only then is an equal name the same thing."""
        return len({settings.account_id for settings in self.environments.values()}) < 2

    @property
    def blocks(self) -> Blocks:
        called = {
            environment.value: settings.block for environment, settings in self.environments.items() if settings.block
        }
        return Blocks(**called)

    mirror: MirrorSettings = field(default_factory=MirrorSettings)
    backup: BackupSettings = field(default_factory=BackupSettings)

    def expect_venture(self, name: str) -> tuple[Environment, ...]:
        """The environments of this venture. Raises UsageError for an unknown one."""
        if name not in self.ventures:
            known = ", ".join(self.ventures) or "none is declared"
            close = difflib.get_close_matches(name, self.ventures, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise UsageError(f"there is no venture {name!r}; the ventures are {known}.{hint}", where="cattlegrid.toml")
        return self.ventures[name]

    def of_venture(self, name: str) -> Fleet:
        """The fleet with this venture's secrets in the place of its own; the fleet itself without a name.

        Raises UsageError for a venture that is unknown or declares none.
        """
        if not name:
            return self
        self.expect_venture(name)
        if name not in self.venture_secrets:
            raise UsageError(
                f"venture {name} has no secrets of its own",
                where="cattlegrid.toml",
                next=f"add [ventures.{name}.secrets]",
            )
        return replace(self, secrets=self.venture_secrets[name])

    @property
    def scopes(self) -> tuple[Fleet, ...]:
        """The fleet itself, then the fleet as each venture with secrets of its own sees it."""
        return (self, *(self.of_venture(name) for name in self.venture_secrets))

    def named(self, names: tuple[str, ...]) -> tuple[WorkerSettings, ...]:
        """The workers of these names, in the fleet's order; all of them without names. Raises UnknownWorker."""
        known = {worker.name: worker for worker in self.workers}
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"the workers are {', '.join(known)}"
                raise UnknownWorker(f"there is no worker {name!r}; {hint}", next="cattlegrid changes")
        return tuple(worker for worker in self.workers if not names or worker.name in names)
