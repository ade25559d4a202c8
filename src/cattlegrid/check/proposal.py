"""What `cattlegrid.toml` would say about a repository: the Workers found in it, and what a person has to decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from cattlegrid.check.repository import wrangler_files
from cattlegrid.errors import ConfigError
from cattlegrid.git.repository import Repository
from cattlegrid.wrangler import config as reading
from cattlegrid.wrangler.edit.toml import key, value
from cattlegrid.wrangler.split.content import Layout, parts

# Folders whose Workers are more often an illustration than something that is deployed.
_ASIDE: Final = frozenset(
    {"__tests__", "demo", "demos", "docs", "e2e", "example", "examples", "fixture", "fixtures", "playground",
     "template", "templates", "test", "tests"}
)  # fmt: skip
_PRODUCTION_WORDS: Final = frozenset({"prod", "prd", "live", "main"})
_STAGING_WORDS: Final = frozenset({"dev", "develop", "development", "preview", "qa", "stage", "stg", "test", "testing"})


class Standing(StrEnum):
    TAKEN = "a Worker of the fleet"
    ASKED = "to be decided"
    LEFT = "left out"


@dataclass(frozen=True)
class Found:
    """A wrangler file: its `folder`, relative to the root, and the `script` it names. `why` says what is unusual.

    `others` are environments with names that are not ours; `layout` is None for a file that is left out.
    """

    folder: str
    file: str
    script: str
    standing: Standing
    why: str = ""
    layout: Layout | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """`name` for the fleet; `found` in the order of folders."""

    name: str
    found: tuple[Found, ...]

    @property
    def questions(self) -> tuple[Found, ...]:
        return tuple(one for one in self.found if one.standing is Standing.ASKED)


def propose(root: Path, repository: Repository) -> Proposal:
    by_folder: dict[str, list[str]] = {}
    for file in wrangler_files(root, repository):
        by_folder.setdefault(file.rpartition("/")[0] or ".", []).append(file)
    found: list[Found] = []
    names: dict[str, str] = {}
    for folder, files in sorted(by_folder.items()):
        one = _found(root, folder, files)
        word = folder.rpartition("/")[2]
        if one.standing is not Standing.LEFT and names.setdefault(word, folder) != folder:
            why = f"{names[word]} is called {word!r} too, and a Worker is known by its folder's name"
            one = Found(folder, one.file, one.script, Standing.LEFT, why)
        found.append(one)
    return Proposal(_name(root), tuple(found))


def _found(root: Path, folder: str, files: list[str]) -> Found:
    # wrangler's order of preference
    file = min(files, key=lambda name: reading.FILE_NAMES.index(name.rpartition("/")[2]))
    try:
        raw = reading.read(root / file, shown=file)
        known = parts(raw, file)
    except ConfigError as error:
        return Found(folder, file, "", Standing.LEFT, error.mistakes[0].what)
    script = str(known.production["name"])
    blocks = raw.get("env")
    others = tuple(
        name for name in (blocks if isinstance(blocks, Mapping) else ()) if name not in {"production", "staging"}
    )
    aside = next((part for part in folder.split("/") if part in _ASIDE), None)
    if aside is not None:
        return Found(
            folder, file, script, Standing.ASKED, f"it lies in a folder called {aside!r}", known.layout, others
        )
    why = f"wrangler reads {file} and not {files[-1]}" if len(files) > 1 else ""
    return Found(folder, file, script, Standing.TAKEN, why, known.layout, others)


def other_environments(one: Found) -> list[str]:
    """For each environment of another name: which of ours it seems to be, and that it is left as it is."""
    said = []
    for name in one.others:
        ours = "production" if name in _PRODUCTION_WORDS else "staging" if name in _STAGING_WORDS else ""
        seems = f"it seems to be {ours}: give the block that name when it is" if ours else "it is neither of the two"
        said.append(f"{one.file}: env.{name} is left as it is; {seems}")
    return said


def patterns(folders: list[str], all_folders: list[str]) -> list[str]:
    """The folders as `fleet.workers`: a glob where it finds these and no other Worker."""
    chosen: list[str] = []
    for parent in sorted({folder.rpartition("/")[0] for folder in folders}):
        here = [folder for folder in folders if folder.rpartition("/")[0] == parent]
        there = [folder for folder in all_folders if folder.rpartition("/")[0] == parent and folder != "."]
        chosen += [f"{parent}/*"] if parent and len(here) > 1 and here == there else here
    return chosen


def document(name: str, found: list[Found], all_folders: list[str]) -> str:
    """The shortest `cattlegrid.toml` for these Workers, with a comment where a person will want to go on."""
    workers = patterns([one.folder for one in found], all_folders)
    names = [name if one.folder == "." else one.folder.rpartition("/")[2] for one in found]
    first = key(names[0])
    return f"""\
# The Workers of this repository, for cattlegrid. Every setting: cattlegrid's docs/settings.md
[fleet]
name = {value(name)}
workers = {value(workers)}  # {", ".join(names)}

# What examines a Worker after each deploy. Without it nothing can pass, so nothing can be promoted.
# [workers.{first}]
# probe = "/probe/database"                # reads the environment's marker through the Worker's own binding
# smoke = [{{ get = "/", status = 200 }}]
"""


def _name(root: Path) -> str:
    try:
        package: Any = json.loads((root / "package.json").read_text("utf-8"))
    except (OSError, ValueError):
        package = {}
    name = package.get("name") if isinstance(package, dict) else None
    return str(name or root.name).rpartition("/")[2] or "fleet"
