"""Where the two environments of a Worker, or a file and the fleet, disagree without meaning to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cattlegrid.check import rules
from cattlegrid.check.look import PRODUCTION, STAGING, Look, Worker
from cattlegrid.model.environment import Environment
from cattlegrid.model.finding import Finding
from cattlegrid.wrangler.inheritance import IDLE, INHERITED, NOT_INHERITED, NOT_SETTINGS, TOP_LEVEL_ONLY
from cattlegrid.wrangler.resources import KINDS, Path, entries

_OTHER: Final = {STAGING: PRODUCTION, PRODUCTION: STAGING}
_KNOWN: Final = INHERITED | NOT_INHERITED | TOP_LEVEL_ONLY | NOT_SETTINGS
_NOT_BINDINGS: Final = frozenset(
    {"vars", "define", "secrets", "queues.consumers", "exports", "containers", "cloudchamber"}
)


def agreement(look: Look) -> Iterator[Finding]:
    for worker in look.workers:
        if worker.parts.staging is not None:
            both = {STAGING: worker.parts.staging, PRODUCTION: worker.parts.production}
            yield from _bindings(worker, both)
            yield from _vars(worker, both)
            yield from _compatibility(worker, both)
        yield from _accounts(look, worker)
        yield from _keys(worker)


def _bindings(worker: Worker, both: Mapping[str, Mapping[str, object]]) -> Iterator[Finding]:
    names = {environment: _named(config) for environment, config in both.items()}
    for environment, found in names.items():
        other = _OTHER[environment]
        for (key, name), path in found.items():
            if (key, name) not in names[other]:
                what = f"{key} {name} is bound in {environment} and not in {other}"
                fix = f"bind {name} in {other} too, or take it out of {environment}"
                yield worker.finding(rules.BINDINGS_DIFFER, worker.at(environment, path), what, fix)


def _named(config: Mapping[str, object]) -> dict[tuple[str, str], Path]:
    found: dict[tuple[str, str], Path] = {}
    for kind in KINDS:
        if kind.key in _NOT_BINDINGS or kind.key.partition(".")[0] not in config:
            continue
        for path, entry in entries(config, kind.key):
            name = entry.get("binding") or entry.get("name")
            if name:
                found[kind.key, str(name)] = path
    return found


def _vars(worker: Worker, both: Mapping[str, Mapping[str, object]]) -> Iterator[Finding]:
    names = {environment: _table(config, "vars") for environment, config in both.items()}
    for environment, found in names.items():
        other = _OTHER[environment]
        for name in found:
            if name not in names[other]:
                what = f"the variable {name} is set in {environment} and not in {other}"
                path = worker.at(environment, ("vars", name))
                yield worker.finding(rules.VARS_DIFFER, path, what, f"set {name} in {other} too")


def _table(config: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = config.get(key)
    return found if isinstance(found, Mapping) else {}


def _compatibility(worker: Worker, both: Mapping[str, Mapping[str, object]]) -> Iterator[Finding]:
    for key in ("compatibility_date", "compatibility_flags"):
        staging, production = both[STAGING].get(key), both[PRODUCTION].get(key)
        if staging != production:
            what = f"{key} is {staging} in staging and {production} in production"
            path = worker.at(PRODUCTION, (key,))
            yield worker.finding(rules.DATES_DIFFER, path, what, "let both have the one that was tested in staging")


def _accounts(look: Look, worker: Worker) -> Iterator[Finding]:
    for environment, config in ((STAGING, worker.parts.staging), (PRODUCTION, worker.parts.production)):
        written = (config or {}).get("account_id")
        wanted = look.fleet.environments[Environment(environment)].account_id
        if written and wanted and written != wanted:
            what = f"account {written} in {environment}; cattlegrid.toml says {wanted}"
            path = worker.at(environment, ("account_id",))
            yield worker.finding(rules.ACCOUNTS_DIFFER, path, what, "let both name the same account")


def _keys(worker: Worker) -> Iterator[Finding]:
    for key in worker.raw:
        if key not in _KNOWN | IDLE:
            what = f"the wrangler that cattlegrid knows has no key {key!r}"
            yield worker.finding(rules.UNKNOWN_KEY, (key,), what, "look whether it names a resource of production")
