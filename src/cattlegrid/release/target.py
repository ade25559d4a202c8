"""The only place where address, account, credential, scripts, databases and label of an environment come together."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast

from cattlegrid.errors import ConfigError, MissingCredential, Mistake
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import EnvironmentSettings, Fleet, WorkerSettings
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account, Database, Deployable, Target
from cattlegrid.wrangler import config as wrangler_config
from cattlegrid.wrangler.config import Config, Resolved

CLOUDFLARE: Final = "https://api.cloudflare.com/client/v4"
_DATABASE_KEYS: Final[Mapping[str, str | None]] = {
    "binding": None,
    "database_id": "",
    "database_name": "",
    "migrations_dir": "migrations",
    "migrations_pattern": "",
    "migrations_table": "d1_migrations",
}


def resolve(fleet: Fleet, environment: Environment, environ: Mapping[str, str]) -> Target:
    """The environment, resolved.

    Raises ConfigError with the mistakes of all the wrangler files at once, MissingCredential without token or account.
    """
    workers = deployables(fleet, environment)
    settings = fleet.environments[environment]
    return Target(environment, _account(settings, workers, environ), workers)


def deployables(fleet: Fleet, environment: Environment) -> dict[str, Deployable]:
    """Every worker in this environment, by name, from files alone: no credential is needed. Raises ConfigError."""
    mistakes: list[Mistake] = []
    found: dict[str, dict[Environment, Resolved]] = {}
    for worker in fleet.workers:
        both = _both_environments(fleet, worker, mistakes)
        if both is not None:
            found[worker.name] = both
    mistakes += _shared_scripts(fleet, found)
    mistakes += _shared_databases(fleet, found)
    if not mistakes:
        workers = {
            worker.name: _deployable(fleet, worker, found[worker.name][environment], mistakes)
            for worker in fleet.workers
        }
    if mistakes:
        raise ConfigError(tuple(mistakes), next="mend the files named above, then repeat the command")
    return workers


def _both_environments(
    fleet: Fleet, worker: WorkerSettings, mistakes: list[Mistake]
) -> dict[Environment, Resolved] | None:
    try:
        raw = wrangler_config.read(fleet.root / worker.config, shown=worker.config)
        return {
            environment: wrangler_config.resolved(raw, environment, shown=worker.config, blocks=fleet.blocks)
            for environment in Environment
        }
    except ConfigError as error:
        mistakes += error.mistakes
    return None


def _shared_scripts(fleet: Fleet, found: Mapping[str, Mapping[Environment, Resolved]]) -> list[Mistake]:
    """One script on Cloudflare belongs to one worker in one environment: anything else overwrites the other."""
    mistakes = []
    owner: dict[str, tuple[WorkerSettings, Environment, Resolved]] = {}
    for worker in fleet.workers:
        for environment, resolved in found.get(worker.name, {}).items():
            if resolved.script not in owner:
                owner[resolved.script] = (worker, environment, resolved)
                continue
            other, other_environment, other_resolved = owner[resolved.script]
            what = (
                f"worker {worker.name!r} in {environment} is script {resolved.script!r}, and so is worker"
                f" {other.name!r} in {other_environment} ({other.config}: {_name_path(other_resolved)});"
                " a deploy of one would overwrite the other"
            )
            mistakes.append(Mistake(worker.config, _name_path(resolved), what))
    return mistakes


def _shared_databases(fleet: Fleet, found: Mapping[str, Mapping[Environment, Resolved]]) -> list[Mistake]:
    """No database of production may be bound in staging: its migrations and its agents' writes would reach it."""
    production = {
        database: f"{worker.config}: {path}"
        for worker in fleet.workers
        for database, path in _database_ids(found.get(worker.name, {}).get(Environment.PRODUCTION))
    }
    return [
        Mistake(worker.config, path, f"staging is bound to production's database {database} ({production[database]})")
        for worker in fleet.workers
        for database, path in _database_ids(found.get(worker.name, {}).get(Environment.STAGING))
        if database in production
    ]


def _database_ids(resolved: Resolved | None) -> Iterator[tuple[str, str]]:
    """(id, its place in the file) of each D1 binding."""
    entries = resolved.config.get("d1_databases", []) if resolved is not None else []
    if resolved is None or not isinstance(entries, list):
        return
    for index, entry in enumerate(entries):
        if isinstance(entry, Mapping) and entry.get("database_id"):
            yield str(entry["database_id"]), f"{_prefix(resolved)}d1_databases[{index}].database_id"


def _prefix(resolved: Resolved) -> str:
    return "" if resolved.environment_flag is None else f"env.{resolved.environment_flag}."


def _name_path(resolved: Resolved) -> str:
    return f"{_prefix(resolved)}name"


def _deployable(fleet: Fleet, worker: WorkerSettings, resolved: Resolved, mistakes: list[Mistake]) -> Deployable:
    databases = []
    entries = resolved.config.get("d1_databases", [])
    for index, entry in enumerate(cast("list[Config]", entries) if isinstance(entries, list) else []):
        path = f"{_prefix(resolved)}d1_databases[{index}]"

        def note(key: str, what: str, path: str = path) -> None:
            mistakes.append(Mistake(worker.config, path + key, what))

        database = _database(fleet.root / worker.config, entry, note)
        if database is not None:
            databases.append(database)
    return Deployable(
        worker=worker,
        script=resolved.script,
        config=resolved.config,
        databases=tuple(databases),
        folder=fleet.root / worker.folder,
        environment_flag=resolved.environment_flag,
    )


def _database(config_file: Path, entry: object, note: Callable[[str, str], None]) -> Database | None:
    if not isinstance(entry, Mapping):
        note("", "is not a table")
        return None
    texts = {}
    for key, default in _DATABASE_KEYS.items():
        value = entry.get(key, default)
        if not isinstance(value, str):
            note(f".{key}", "is missing" if value is None else "is not text")
            return None
        texts[key] = value
    folder = posixpath.normpath(texts["migrations_dir"])
    pattern = posixpath.normpath(texts["migrations_pattern"] or f"{folder}/*.sql")
    if folder != "." and not pattern.startswith(f"{folder}/"):
        note(".migrations_pattern", f"has to start with migrations_dir ({folder}/)")
        return None
    migrations = config_file.parent / folder
    if "migrations_dir" in entry and not migrations.is_dir():
        note(".migrations_dir", f"there is no folder {folder!r} beside the file")
        return None
    return Database(
        binding=texts["binding"],
        id=texts["database_id"],
        name=texts["database_name"],
        migrations=migrations if migrations.is_dir() else None,
        table=texts["migrations_table"],
        pattern=pattern if folder == "." else pattern.removeprefix(f"{folder}/"),
    )


def _account(settings: EnvironmentSettings, workers: Mapping[str, Deployable], environ: Mapping[str, str]) -> Account:
    token = environ.get(settings.token, "")
    if not token:
        raise MissingCredential(
            f"there is no API token for {settings.environment}: the variable {settings.token} is not set",
            next=f"export {settings.token}=…",
        )
    account_id = settings.account_id or environ.get("CLOUDFLARE_ACCOUNT_ID", "") or _account_in_files(workers)
    if not account_id:
        raise MissingCredential(
            f"there is no account for {settings.environment}: neither environments.{settings.environment}.account_id"
            " in cattlegrid.toml nor the variable CLOUDFLARE_ACCOUNT_ID is set",
            next="export CLOUDFLARE_ACCOUNT_ID=…",
        )
    _one_account(account_id, workers)
    api = environ.get("CLOUDFLARE_API_BASE_URL", "") or CLOUDFLARE
    return Account(api.rstrip("/"), account_id, Secret(token))


def _account_in_files(workers: Mapping[str, Deployable]) -> str:
    named = [worker.config["account_id"] for worker in workers.values() if worker.config.get("account_id")]
    return str(named[0]) if named else ""


def _one_account(account_id: str, workers: Mapping[str, Deployable]) -> None:
    """Wrangler puts a file's own account_id above everything: a different one would send this worker elsewhere."""
    mistakes = tuple(
        Mistake(worker.worker.config, "account_id", f"is not the account of this environment ({account_id})")
        for worker in workers.values()
        if worker.config.get("account_id") not in (None, "", account_id)
    )
    if mistakes:
        raise ConfigError(mistakes, next="remove account_id from the wrangler files; cattlegrid hands it to wrangler")
