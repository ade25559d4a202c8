"""`[secrets]`: the one list of names, and what is known of each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from cattlegrid.errors import Mistake
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import About, Infisical, Kind, SecretPolicy

_FILE: Final = "cattlegrid.toml"
_FOLDER: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


def ventures(
    tables: Mapping[str, dict[str, Any]], fleets: SecretPolicy, mistakes: list[Mistake]
) -> dict[str, SecretPolicy]:
    """The policy of each venture that has secrets of its own; they are kept in the fleet's store."""
    found = {}
    for name, table in tables.items():
        if "secrets" not in table:
            continue
        path = f"ventures.{name}.secrets"
        if not _FOLDER.fullmatch(name):
            mistakes.append(Mistake(_FILE, path, f"{name!r} names a folder: lower case, digits, _ and - are allowed"))
        own = policy(table["secrets"], mistakes, path)
        environments = tuple(Environment(word) for word in table.get("environments", ()))
        only = {Environment.STAGING: own.staging_only, Environment.PRODUCTION: own.production_only}
        for environment, names in only.items():
            if names and environments and environment not in environments:
                what = f"venture {name} has no {environment}"
                mistakes.append(Mistake(_FILE, f"{path}.{environment}-only", what))
        found[name] = replace(
            own, venture=name, environments=environments, store=fleets.store, infisical=fleets.infisical
        )
    return found


def policy(table: dict[str, Any], mistakes: list[Mistake], path: str = "secrets") -> SecretPolicy:
    lists = {kind: table.get(kind.value, ()) for kind in Kind}
    first: dict[str, str] = {}
    for kind, names in lists.items():
        for index, name in enumerate(names):
            if first.setdefault(name, kind) != kind:
                what = f"{name!r} is in {path}.{first[name]} too; a secret is in one list"
                mistakes.append(Mistake(_FILE, f"{path}.{kind}[{index}]", what))
    about = {name: _about(entry) for name, entry in table.get("about", {}).items()}
    _check_about(about, first, mistakes, path)
    return SecretPolicy(
        store=table.get("store", "sops"),
        isolated=lists[Kind.ISOLATED],
        shared=lists[Kind.SHARED],
        production_only=lists[Kind.PRODUCTION_ONLY],
        staging_only=lists[Kind.STAGING_ONLY],
        about=about,
        infisical=_infisical(table.get("infisical", {})),
    )


def known(
    tables: Mapping[str, dict[str, Any]],
    steps: Mapping[str, Iterable[str]],
    policy: SecretPolicy,
    mistakes: list[Mistake],
) -> None:
    """A mistake for each name that a worker's table or its steps use and no list of `[secrets]` has."""
    names = {name for environment in Environment for name in policy.known(environment)}
    used = [(f"workers.{worker}.{place}", name) for worker, table in tables.items() for place, name in _used(table)]
    used += [(f"smoke.toml of {worker}: auth", name) for worker, found in steps.items() for name in found]
    for place, name in used:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "add it to one of the lists in [secrets]"
            mistakes.append(Mistake(_FILE, place, f"{name!r} is not declared in [secrets]; {hint}"))


def _used(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for index, name in enumerate(table.get("secrets", ())):
        yield f"secrets[{index}]", name
    for index, entry in enumerate(table.get("smoke", ())):
        if entry.get("auth", "none") != "none":
            yield f"smoke[{index}].auth", entry["auth"]
    if "secret" in table.get("auth", {}):
        yield "auth.secret", table["auth"]["secret"]


def _about(entry: dict[str, Any]) -> About:
    return About(**{key.replace("-", "_"): value for key, value in entry.items()})


def _check_about(about: Mapping[str, About], declared: Mapping[str, str], mistakes: list[Mistake], path: str) -> None:
    owner: dict[str, str] = {}
    for name, one in about.items():
        if name not in declared:
            close = difflib.get_close_matches(name, declared, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"add it to one of the lists in [{path}]"
            mistakes.append(Mistake(_FILE, f"{path}.about.{name}", f"is in none of the lists of [{path}]; {hint}"))
        for other in (*one.aliases, *((one.previous,) if one.previous else ())):
            if other in declared or owner.setdefault(other, name) != name:
                taken = "declared by itself" if other in declared else f"a name of {owner[other]} too"
                mistakes.append(Mistake(_FILE, f"{path}.about.{name}", f"{other!r} is {taken}"))


def _infisical(table: dict[str, Any]) -> Infisical:
    slugs = {
        Environment.STAGING: table.get("staging", "staging"),
        Environment.PRODUCTION: table.get("production", "prod"),
    }
    return Infisical(
        url=table.get("url", Infisical.url).rstrip("/"),
        project=table.get("project", ""),
        path=table.get("path", "/"),
        slugs=slugs,
    )
