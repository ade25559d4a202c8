"""Find `cattlegrid.toml`, read it, and make a Fleet of it, or say everything that is wrong with it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from cattlegrid.errors import ConfigError, Mistake, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import (
    Approver,
    Auth,
    BackupSettings,
    EnvironmentSettings,
    Fleet,
    HttpCheck,
    Ignore,
    MirrorSettings,
    WorkerSettings,
)
from cattlegrid.settings import secrets
from cattlegrid.settings.check import check
from cattlegrid.settings.table import METHODS
from cattlegrid.settings.workers import discover

FILE_NAME: Final = "cattlegrid.toml"
STEPS_FILE: Final = "smoke.toml"


def load(cwd: Path) -> Fleet:
    """The fleet whose `cattlegrid.toml` is in `cwd` or a folder above it.

    Raises UsageError when there is none, ConfigError with all the mistakes in it at once.
    """
    file = _find(cwd)
    document = _parse(file, FILE_NAME)
    settings, mistakes = check(document, FILE_NAME)
    fleet = _fleet(file.parent, settings, mistakes)
    if mistakes:
        raise ConfigError(tuple(mistakes), next=f"mend {FILE_NAME}, then repeat the command")
    return fleet


def _find(cwd: Path) -> Path:
    start = cwd.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise UsageError(
        f"there is no {FILE_NAME} in {start} or any folder above it",
        next=f"go to the repository of your workers, or write a {FILE_NAME} at its root",
    )


def _parse(file: Path, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError((Mistake(shown, "", f"is not UTF-8 (byte {error.start})"),)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((Mistake(shown, "", f"is not valid TOML: {error}"),)) from error


def _fleet(root: Path, settings: dict[str, Any], mistakes: list[Mistake]) -> Fleet:
    general = settings.get("fleet", {})
    if "fleet" not in settings:
        mistakes.append(Mistake(FILE_NAME, "fleet", "is missing; it needs name and workers"))
    folders, wrong = discover(root, general.get("workers", ()), general.get("name", ""), FILE_NAME)
    mistakes += wrong
    tables = settings.get("workers", {})
    _known_names(tables, folders, mistakes)
    policy = secrets.policy(settings.get("secrets", {}), mistakes)
    steps = {name: _steps(root, name, folder, mistakes) for name, (folder, _) in folders.items()}
    workers = tuple(
        replace(_worker(name, folder, config, tables.get(name, {}), mistakes), steps=steps[name])
        for name, (folder, config) in folders.items()
    )
    used = {name: [step.auth for step in found if step.auth not in {None, "none"}] for name, found in steps.items()}
    secrets.known(tables, used, policy, mistakes)
    return Fleet(
        root=root,
        name=general.get("name", ""),
        workers=workers,
        shared=general.get("shared", ()),
        environments=_environments(settings.get("environments", {}), mistakes),
        secrets=policy,
        ventures=_ventures(settings.get("ventures", {}), mistakes),
        venture_secrets=secrets.ventures(settings.get("ventures", {}), policy, mistakes),
        agent_hosts=settings.get("agents", {}).get("hosts", ()),
        approvers=_approvers(settings, mistakes),
        ignores=tuple(
            Ignore(entry.get("rule", ""), entry.get("file", "**"), entry.get("reason", ""))
            for entry in settings.get("check", {}).get("ignore", ())
        ),
        mirror=_mirror(settings.get("mirror", {})),
        backup=BackupSettings(**settings.get("backup", {})),
    )


def _mirror(table: dict[str, Any]) -> MirrorSettings:
    lists = {name: table.get(name, ()) for name in ("skip", "schema-only", "accept")}
    return MirrorSettings(
        key=table.get("key", "MIRROR_KEY"),
        skip=lists["skip"],
        schema_only=lists["schema-only"],
        accept=lists["accept"],
        mask=table.get("mask", {}),
    )


def _approvers(settings: dict[str, Any], mistakes: list[Mistake]) -> tuple[Approver, ...]:
    found = tuple(
        Approver(name, table.get("keys", ()), table.get("emails", ()), table.get("revoked", ()))
        for name, table in settings.get("approvers", {}).items()
    )
    for name, environment in settings.get("environments", {}).items():
        path = f"environments.{name}"
        if environment.get("approval") == "signature" and not found and "signers" not in environment:
            what = "nobody could sign: name people in [approvers], or a file in signers"
            mistakes.append(Mistake(FILE_NAME, f"{path}.approval", what))
        if not environment.get("self_approval", True):
            mistakes += [
                Mistake(FILE_NAME, f"approvers.{one.name}.emails", f"is missing; {path}.self_approval needs it")
                for one in found
                if not one.emails
            ]
    return found


def _known_names(tables: Mapping[str, object], folders: Mapping[str, object], mistakes: list[Mistake]) -> None:
    if not folders:
        return
    for name in tables:
        if name not in folders:
            close = difflib.get_close_matches(name, folders, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the workers are {', '.join(folders)}"
            mistakes.append(Mistake(FILE_NAME, f"workers.{name}", f"fleet.workers finds no such worker; {hint}"))


def _worker(name: str, folder: str, config: str, table: dict[str, Any], mistakes: list[Mistake]) -> WorkerSettings:
    checks = []
    for index, entry in enumerate(table.get("smoke", [])):
        path = f"workers.{name}.smoke[{index}]"
        mistakes += [
            Mistake(FILE_NAME, f"{path}.{key}", f"is for the steps of a {STEPS_FILE} beside the wrangler file")
            for key in ("take", "name")
            if key in entry
        ]
        http_check = _http_check(entry, FILE_NAME, path, mistakes)
        if http_check is not None:
            checks.append(http_check)
    auth = table.get("auth")
    return WorkerSettings(
        name=name,
        folder=folder,
        config=config,
        smoke=tuple(checks),
        health=table.get("health", "/health"),
        probe=table.get("probe"),
        auth=_auth(auth) if auth is not None else None,
        secrets=table.get("secrets", ()),
        mcp=table.get("mcp"),
        inputs=table.get("inputs", ()),
        tools=table.get("tools", {}),
    )


def _auth(table: dict[str, Any]) -> Auth:
    return Auth(table.get("header", "Authorization"), table.get("scheme", "Bearer"), table.get("secret", ""))


def _steps(root: Path, name: str, folder: str, mistakes: list[Mistake]) -> tuple[HttpCheck, ...]:
    """The worker's `smoke.toml`: the same tables as `workers.*.smoke[]`, asked one after another."""
    file = root / folder / STEPS_FILE
    if not file.is_file():
        return ()
    shown = f"{folder}/{STEPS_FILE}" if folder != "." else STEPS_FILE
    try:
        document = _parse(file, shown)
    except ConfigError as error:
        mistakes += error.mistakes
        return ()
    settings, wrong = check({"workers": {name: document}}, shown)
    prefix = f"workers.{name}."
    mistakes += [Mistake(shown, one.path.removeprefix(prefix), one.what) for one in wrong]
    others = sorted(set(document) - {"smoke"})
    mistakes += [Mistake(shown, key, "only [[smoke]] tables are read here") for key in others]
    tables = cast("dict[str, dict[str, Any]]", settings["workers"])[name].get("smoke", [])
    found = [_http_check(entry, shown, f"smoke[{index}]", mistakes) for index, entry in enumerate(tables)]
    return tuple(step for step in found if step is not None)


def _http_check(entry: dict[str, Any], file: str, path: str, mistakes: list[Mistake]) -> HttpCheck | None:
    methods = [method for method in METHODS if method in entry]
    if len(methods) != 1:
        said = f"it has {' and '.join(methods)}" if methods else 'such as get = "/health"'
        mistakes.append(Mistake(file, path, f"needs exactly one method and path; {said}"))
        return None
    method = methods[0]
    return HttpCheck(
        method=method.upper(),
        path=entry[method],
        status=entry.get("status", 200),
        auth=entry.get("auth"),
        headers=entry.get("headers", {}),
        json=entry.get("json"),
        text=entry.get("text"),
        within=entry.get("within"),
        send=entry.get("send"),
        answers=entry.get("answers", {}),
        only=Environment(entry["only"]) if "only" in entry else None,
        take=entry.get("take", {}),
        title=entry.get("name", ""),
    )


def _environments(tables: dict[str, dict[str, Any]], mistakes: list[Mistake]) -> dict[Environment, EnvironmentSettings]:
    for name in tables:
        if name not in set(Environment):
            what = f"there is no such environment; the environments are {', '.join(Environment)}"
            mistakes.append(Mistake(FILE_NAME, f"environments.{name}", what))
    return {
        environment: EnvironmentSettings(environment, **tables.get(environment.value, {}))
        for environment in Environment
    }


def _ventures(tables: dict[str, dict[str, Any]], mistakes: list[Mistake]) -> dict[str, tuple[Environment, ...]]:
    ventures = {}
    for name, table in tables.items():
        names = table.get("environments")
        if names == ():
            mistakes.append(Mistake(FILE_NAME, f"ventures.{name}.environments", "names no environment"))
        ventures[name] = tuple(Environment(word) for word in names or ())
    return ventures
