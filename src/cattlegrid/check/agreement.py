"""Where the two environments of a Worker, or a file and the fleet, disagree without meaning to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from cattlegrid.check import rules
from cattlegrid.check.look import PRODUCTION, STAGING, Look, Worker
from cattlegrid.model.environment import Environment
from cattlegrid.model.finding import Finding, Rule
from cattlegrid.wrangler.inheritance import IDLE, INHERITED, NOT_INHERITED, NOT_SETTINGS, TOP_LEVEL_ONLY
from cattlegrid.wrangler.resources import KINDS, UNSAFE, Path, entries

_OTHER: Final = {STAGING: PRODUCTION, PRODUCTION: STAGING}
_KNOWN: Final = INHERITED | NOT_INHERITED | TOP_LEVEL_ONLY | NOT_SETTINGS
_NOT_BINDINGS: Final = frozenset(
    {"vars", "define", "secrets", "queues.consumers", "exports", "containers", "cloudchamber"}
)
_UNNAMED: Final = (
    "queues.consumers", "tail_consumers", "streaming_tail_consumers", "containers", "secrets.required",
)  # fmt: skip
# What names another Worker or resource inside, or only matters to `wrangler dev`.
_OWN_TO_EACH: Final = frozenset(
    {"environment", "local_dev", "localConnectionString", "outbound", "remote", "schedules", "script_name", "service"}
)
_Named: TypeAlias = dict[tuple[str, str], tuple[Path, dict[str, object]]]


def agreement(look: Look) -> Iterator[Finding]:
    for worker in look.workers:
        if worker.parts.staging is not None:
            both = {STAGING: worker.parts.staging, PRODUCTION: worker.parts.production}
            yield from _bindings(worker, both)
            yield from _names(worker, both, "vars", "variable", rules.VARS_DIFFER)
            yield from _names(worker, both, "define", "define", rules.BINDINGS_DIFFER)
            yield from _without_names(worker, both)
            yield from _compatibility(worker, both)
        yield from _accounts(look, worker)
        yield from _keys(worker)


def _bindings(worker: Worker, both: Mapping[str, Mapping[str, object]]) -> Iterator[Finding]:
    named = {environment: _named(config) for environment, config in both.items()}
    for environment, found in named.items():
        other = _OTHER[environment]
        for (key, name), (path, _) in found.items():
            if (key, name) not in named[other]:
                what = f"{key} {name} is bound in {environment} and not in {other}"
                fix = f"bind {name} in {other} too, or take it out of {environment}"
                yield worker.finding(rules.BINDINGS_DIFFER, worker.at(environment, path), what, fix)
    yield from _settings(worker, named[STAGING], named[PRODUCTION])


def _settings(worker: Worker, staging: _Named, production: _Named) -> Iterator[Finding]:
    for (key, name), (path, theirs) in production.items():
        ours = staging.get((key, name), (path, theirs))[1]
        for field in sorted(ours.keys() | theirs.keys()):
            if ours.get(field) != theirs.get(field):
                what = f"{key} {name}: {field} is {ours.get(field)} in staging and {theirs.get(field)} in production"
                place = worker.at(PRODUCTION, (*path, field))
                yield worker.finding(rules.SETTINGS_DIFFER, place, what, "let staging try what production will do")


def _named(config: Mapping[str, object]) -> _Named:
    """By kind and name: where the binding is, and what it says besides which resource it is of."""
    found: _Named = {}
    for kind in KINDS:
        if kind.key in _NOT_BINDINGS or kind.key.partition(".")[0] not in config:
            continue
        apart = {*kind.names, *kind.ids, *kind.previews, *_OWN_TO_EACH}
        for path, entry in entries(config, kind.key):
            name = entry.get("binding") or entry.get("name") or entry.get("queue")
            if name and kind.word == UNSAFE:
                found[kind.key, str(name)] = (path, {})  # whatever it holds is not ours to print
            elif name:
                rest = {field: value for field, value in entry.items() if field not in apart}
                found[kind.key, str(name)] = (path, rest)
    return found


def _names(
    worker: Worker, both: Mapping[str, Mapping[str, object]], key: str, word: str, rule: Rule
) -> Iterator[Finding]:
    """Names that one environment's table has and the other's has not. Their values may differ: that is their use."""
    names = {environment: _table(config, key) for environment, config in both.items()}
    for environment, found in names.items():
        other = _OTHER[environment]
        for name in found:
            if name not in names[other]:
                what = f"the {word} {name} is set in {environment} and not in {other}"
                path = worker.at(environment, (key, name))
                yield worker.finding(rule, path, what, f"set {name} in {other} too")


def _without_names(worker: Worker, both: Mapping[str, Mapping[str, object]]) -> Iterator[Finding]:
    """What no environment inherits and the code does not call by name: consumers, containers, required secrets."""
    counts = {environment: _counted(config) for environment, config in both.items()}
    for key in _UNNAMED:
        for environment, other in _OTHER.items():
            many, fewer = counts[environment][key], counts[other][key]
            if many > fewer:
                what = f"{key}: {many} in {environment} and {fewer} in {other}"
                place = worker.at(environment, tuple(key.split(".")))
                yield worker.finding(rules.BINDINGS_DIFFER, place, what, f"give {other} what {environment} has")


def _counted(config: Mapping[str, object]) -> dict[str, int]:
    required = _table(config, "secrets").get("required")
    found = {key: len(entries(config, key)) for key in _UNNAMED if key != "secrets.required"}
    return {**found, "secrets.required": len(required) if isinstance(required, list) else 0}


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
