"""Staging's twin of a configuration: the same bindings, and nothing that production uses."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast

from cattlegrid.wrangler.resources import (
    KINDS,
    UNSAFE,
    WORKER,
    Kind,
    Path,
    Way,
    entries,
    naming,
    pattern_of,
    unsafe_identity,
)

_ENVIRONMENT_NAME: Final = re.compile(r"(?:^|_)(?:ENV|ENVIRONMENT|STAGE|TIER|DEPLOYMENT)$", re.IGNORECASE)
_PRODUCTION_WORDS: Final = {
    "production": "staging",
    "prod": "staging",
    "Production": "Staging",
    "PRODUCTION": "STAGING",
}
_PRODUCTION_END: Final = re.compile(r"([-_])(?:production|prod|prd|live)$", re.IGNORECASE)
_LONGEST_NAME: Final = 63


class About(StrEnum):
    RENAMED = "renamed"
    WITHOUT_ID = "without an id"
    LEFT_OUT = "left out"
    DROPPED = "dropped"
    CHANGED = "changed"
    LOOK = "look at it"


@dataclass(frozen=True)
class Note:
    """What a person should know about staging's `path`: what happened, and the command or line that it asks for."""

    about: About
    path: str
    what: str
    todo: str = ""


@dataclass(frozen=True)
class Wishes:
    """`route` is a pattern with `{route}` for production's (`staging.{route}`); empty: staging has no routes.

    `crons`: staging's crons run too.
    """

    route: str = ""
    crons: bool = False


@dataclass(frozen=True)
class Surroundings:
    """`taken` is what production uses, across the fleet, as (word, identity). `siblings` leads from the script that a
    Worker is in production to the one that it is in staging.
    """

    taken: frozenset[tuple[str, str]]
    siblings: Mapping[str, str]


@dataclass
class Twin:
    config: dict[str, Any]
    notes: list[Note] = field(default_factory=list)

    def note(self, about: About, path: Path, what: str, todo: str = "") -> None:
        self.notes.append(Note(about, dotted(path), what, todo))


def dotted(path: Path) -> str:
    """`d1_databases[0].database_id`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def staging_name(name: str) -> str:
    """`files` → `files-staging`, `files-prod` → `files-staging`, `my_files` → `my_files_staging`."""
    ending = _PRODUCTION_END.search(name)
    if ending is not None:
        return f"{name[: ending.start()]}{ending[1]}staging"
    mark = "_" if "_" in name and "-" not in name else "-"
    return f"{name[: _LONGEST_NAME - 8]}{mark}staging"


def twin(config: Mapping[str, object], around: Surroundings, wishes: Wishes, *, fresh: bool) -> Twin:
    """The configuration with all that production uses replaced, forgotten or left out.

    `fresh`: it was production's until now, so that its crons and its words for the environment change too.
    """
    made = Twin(copy.deepcopy(dict(config)))
    _script(made, around)
    _routes(made, around, wishes)
    _bindings(made, made.config, (), around)
    if isinstance(made.config.get("previews"), dict):
        _bindings(made, made.config["previews"], ("previews",), around)
    if fresh:
        _triggers(made, wishes)
        _words(made, around)
    return made


def _script(made: Twin, around: Surroundings) -> None:
    name = str(made.config["name"])
    if (WORKER, name) in around.taken:
        made.config["name"] = around.siblings.get(name) or staging_name(name)


def _routes(made: Twin, around: Surroundings, wishes: Wishes) -> None:
    key = "routes" if isinstance(made.config.get("routes"), list) else "route"
    written = made.config.get(key)
    if written is None:
        return
    kept = []
    for index, route in enumerate(written if isinstance(written, list) else [written]):
        pattern = pattern_of(route)
        path: Path = (key, index) if key == "routes" else (key,)
        moved = wishes.route.replace("{route}", pattern) if wishes.route else ""
        if ("route", pattern) not in around.taken:
            kept.append(route)
        elif moved and "*" not in moved.partition("/")[0]:
            kept.append({**route, "pattern": moved} if isinstance(route, dict) else moved)
            made.note(About.CHANGED, path, f"{pattern} is production's; staging answers at {moved}")
        else:
            made.note(About.DROPPED, path, f"{pattern} is production's")
    if kept == (written if isinstance(written, list) else [written]):
        return
    if kept:
        made.config[key] = kept if key == "routes" else kept[0]
        return
    for either in ("routes", "route"):
        made.config.pop(either, None)
    if made.config.get("workers_dev") is False:
        made.config["workers_dev"] = True
        made.note(About.CHANGED, ("workers_dev",), "without a route staging would have no address")


def _bindings(made: Twin, config: dict[str, Any], above: Path, around: Surroundings) -> None:
    for kind in KINDS:
        if kind.way is not Way.COPIED:
            gone = [
                path for path, entry in entries(config, kind.key) if _entry(made, kind, (*above, *path), entry, around)
            ]
            for path in reversed(gone):
                _drop(config, path)


def _entry(made: Twin, kind: Kind, path: Path, entry: dict[str, Any], around: Surroundings) -> bool:
    """Change one binding in place. True when it has to go."""
    if kind.key == "exports" and entry.get("type") != "workflow":
        return False
    if kind.way is Way.LEFT_OUT:
        return _left_out(made, kind, path, entry, around)
    _forget(made, kind, path, entry, around)
    for name in kind.names:
        old = str(entry.get(name) or (entry.get("binding", "") if name == "dataset" else ""))
        if not old or (kind.word, old) not in around.taken:
            continue
        new = _renamed(kind, old, around)
        if new is None:
            made.note(About.LEFT_OUT, path, f"{kind.word} {old} is no Worker of the fleet and has no staging", _BIND)
            return True
        entry[name] = new
        if kind.way is not Way.SIBLING:
            made.note(About.RENAMED, (*path, name), f"{kind.word} {old} → {new}", kind.make.format(name=new, worker=""))
    return _other_workers(made, path, entry, around)


_BIND: Final = "bind a Worker that is not production's, once there is one"


def _forget(made: Twin, kind: Kind, path: Path, entry: dict[str, Any], around: Surroundings) -> None:
    for name in (*kind.ids, *kind.previews):
        if entry.get(name) and (kind.word, str(entry[name])) in around.taken:
            if name in kind.ids:
                made.note(About.WITHOUT_ID, path, f"a {kind.word} of its own", "cattlegrid provision")
            del entry[name]


def _renamed(kind: Kind, old: str, around: Surroundings) -> str | None:
    if kind.way is Way.SIBLING:
        return around.siblings.get(old)
    if kind.way is Way.NUMBERED:
        new = f"9{old}"
        while (kind.word, new) in around.taken:
            new = f"9{new}"
        return new
    if kind.key == "analytics_engine_datasets":
        return staging_name(old).replace("-", "_")
    return staging_name(old)


def _left_out(made: Twin, kind: Kind, path: Path, entry: dict[str, Any], around: Surroundings) -> bool:
    if kind.word == UNSAFE:
        shared = (UNSAFE, unsafe_identity(entry)) in around.taken
    else:
        fields = (*kind.ids, *kind.names)
        shared = any(entry.get(name) and (kind.word, str(entry[name])) in around.taken for name in fields)
    if shared:
        binding = entry.get("binding") or entry.get("name") or kind.key
        todo = kind.make.format(name="", worker=made.config["name"].removesuffix("-staging"))
        made.note(About.LEFT_OUT, path, f"{binding}: a {kind.word} cannot be doubled from here", todo or _BY_HAND)
    return shared


_BY_HAND: Final = "make one for staging, then bind it in staging's part of the file"


def _other_workers(made: Twin, path: Path, entry: dict[str, Any], around: Surroundings) -> bool:
    """Workers that other bindings name inside: a workflow's, a dispatcher's outbound Worker."""
    outbound = entry.get("outbound")
    for table, name in ((entry, "script_name"), (outbound if isinstance(outbound, dict) else {}, "service")):
        old = str(table.get(name) or "")
        if old and (WORKER, old) in around.taken:
            if old not in around.siblings:
                made.note(About.LEFT_OUT, path, f"{WORKER} {old} is no Worker of the fleet and has no staging", _BIND)
                return True
            table[name] = around.siblings[old]
    return False


def _drop(config: dict[str, Any], path: Path) -> None:
    """Remove what is at the path, and what holds nothing after that."""
    holders: list[Any] = [config]
    for part in path[:-1]:
        holders.append(holders[-1][part])
    for holder, part in zip(reversed(holders), reversed(path), strict=True):
        del holder[part]
        if holder:
            return


def _triggers(made: Twin, wishes: Wishes) -> None:
    triggers = made.config.get("triggers")
    if not wishes.crons and isinstance(triggers, dict) and triggers.get("crons"):
        made.note(About.DROPPED, ("triggers", "crons"), f"{', '.join(triggers['crons'])}: production's alone")
        triggers["crons"] = []
    if isinstance(triggers, dict) and triggers.get("events"):
        made.note(About.DROPPED, ("triggers", "events"), "production's events start production's workflows alone")
        del triggers["events"]
    for path, entry in entries(made.config, "workflows"):
        if not wishes.crons and entry.get("schedules"):
            made.note(About.DROPPED, (*path, "schedules"), f"{entry['schedules']}: production's alone")
            del entry["schedules"]


def _words(made: Twin, around: Surroundings) -> None:
    """Variables: what names the environment changes; what seems to lead to production is pointed out."""
    hosts = naming(identity.partition("/")[0] for word, identity in around.taken if word == "route")
    for name, value in cast("dict[str, Any]", made.config.get("vars") or {}).items():
        if not isinstance(value, str):
            continue
        if value in _PRODUCTION_WORDS and _ENVIRONMENT_NAME.search(name) and name != "NODE_ENV":
            made.config["vars"][name] = _PRODUCTION_WORDS[value]
            made.note(About.CHANGED, ("vars", name), f"{value} → {_PRODUCTION_WORDS[value]}")
        elif hosts.search(value) or (re.search(r"\bprod(?:uction)?\b", value) and name != "NODE_ENV"):
            made.note(About.LOOK, ("vars", name), "its value seems to lead to production", "give staging its own value")
