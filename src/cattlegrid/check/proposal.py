"""What `cattlegrid.toml` would say about a repository: the Workers found in it, and what a person has to decide."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias

from cattlegrid.check.repository import wrangler_files
from cattlegrid.errors import ConfigError
from cattlegrid.git import workspaces
from cattlegrid.git.paths import glob_pattern, is_glob
from cattlegrid.git.repository import Repository
from cattlegrid.git.workspaces import Workspaces
from cattlegrid.model.environment import Blocks, Environment
from cattlegrid.wrangler import config as reading
from cattlegrid.wrangler.edit.toml import key, value
from cattlegrid.wrangler.split.content import PRODUCTION_WORDS, Layout, parts

# Folders whose Workers are more often an illustration than something that is deployed.
_ASIDE: Final = frozenset(
    {"__tests__", "demo", "demos", "docs", "e2e", "example", "examples", "fixture", "fixtures", "playground",
     "template", "templates", "test", "tests"}
)  # fmt: skip
Choose: TypeAlias = Callable[[Environment, tuple[str, ...]], str]
_STAGING_WORDS: Final = frozenset({"dev", "develop", "development", "preview", "qa", "stage", "stg", "test", "testing"})


class Standing(StrEnum):
    TAKEN = "a Worker of the fleet"
    ASKED = "to be decided"
    LEFT = "left out"


@dataclass(frozen=True)
class Found:
    """A wrangler file: its `folder`, relative to the root, and the `script` it names. `why` says what is unusual.

    `others` are environments that are neither of the two; `layout` is None for a file that is left out.
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
    """`name` for the fleet; `found` in the order of folders. `blocks`: what the repository calls the environments, so
    that nothing has to be renamed; `unsure` are names of which one may be that environment. `workspaces`: what the
    repository says itself about its folders.
    """

    name: str
    found: tuple[Found, ...]
    blocks: Blocks
    unsure: Mapping[Environment, tuple[str, ...]] = field(default_factory=dict)
    workspaces: Workspaces | None = None

    @property
    def questions(self) -> tuple[Found, ...]:
        return tuple(one for one in self.found if one.standing is Standing.ASKED)


def propose(root: Path, repository: Repository, choose: Choose = lambda _environment, _names: "") -> Proposal:
    """`choose` is asked which of several names an environment has; the empty text is no answer."""
    by_folder: dict[str, list[str]] = {}
    for file in wrangler_files(root, repository):
        by_folder.setdefault(file.rpartition("/")[0] or ".", []).append(file)
    contents = {folder: _read(root, files) for folder, files in sorted(by_folder.items())}
    declared = workspaces.read(root)
    blocks, unsure = _blocks((raw for raw in contents.values() if isinstance(raw, Mapping)), choose)
    found: list[Found] = []
    names: dict[str, str] = {}
    for folder, raw in contents.items():
        one = _in_workspaces(_found(folder, by_folder[folder], raw, blocks), declared)
        word = folder.rpartition("/")[2]
        if one.standing is not Standing.LEFT and names.setdefault(word, folder) != folder:
            why = f"{names[word]} is called {word!r} too, and a Worker is known by its folder's name"
            one = Found(folder, one.file, one.script, Standing.LEFT, why)
        found.append(one)
    return Proposal(_name(root), tuple(found), blocks, unsure, declared)


def _chosen(files: list[str]) -> str:
    """The one that wrangler reads."""
    return min(files, key=lambda name: reading.FILE_NAMES.index(name.rpartition("/")[2]))


def _read(root: Path, files: list[str]) -> Mapping[str, object] | str:
    """The content, or what is wrong with it."""
    file = _chosen(files)
    try:
        return reading.read(root / file, shown=file)
    except ConfigError as error:
        return error.mistakes[0].what


def _blocks(
    contents: Iterable[Mapping[str, object]], choose: Choose
) -> tuple[Blocks, dict[Environment, tuple[str, ...]]]:
    """What the repository calls its environments, and the names of which none stands out as one of ours."""
    names: set[str] = set()
    for raw in contents:
        written = raw.get("env")
        names |= set(written) if isinstance(written, Mapping) else set()
    called, unsure = {}, {}
    for environment, words in ((Environment.PRODUCTION, PRODUCTION_WORDS), (Environment.STAGING, _STAGING_WORDS)):
        other = tuple(sorted(names & words))
        if environment.value in names or not other:
            continue
        name = other[0] if len(other) == 1 else choose(environment, other)
        if name in other:
            called[environment.value] = name
        else:
            unsure[environment] = other
    return Blocks(**called), unsure


def _found(folder: str, files: list[str], raw: Mapping[str, object] | str, blocks: Blocks) -> Found:
    file = _chosen(files)
    if isinstance(raw, str):
        return Found(folder, file, "", Standing.LEFT, raw)
    try:
        known = parts(raw, file, blocks)
    except ConfigError as error:
        return Found(folder, file, "", Standing.LEFT, error.mistakes[0].what)
    script = str(known.production["name"])
    written = raw.get("env")
    names = written if isinstance(written, Mapping) else ()
    others = tuple(name for name in names if name not in {blocks.production, blocks.staging})
    aside = next((part for part in folder.split("/") if part in _ASIDE), None)
    standing = Standing.TAKEN if aside is None else Standing.ASKED
    why = f"wrangler reads {file} and not {files[-1]}" if len(files) > 1 else ""
    why = f"it lies in a folder called {aside!r}" if aside is not None else why
    return Found(folder, file, script, standing, why, known.layout, others)


def _in_workspaces(one: Found, declared: Workspaces | None) -> Found:
    """What the repository keeps out of its own workspaces may be no part of it: a person is asked."""
    if declared is not None and one.standing is Standing.TAKEN and declared.excludes(one.folder):
        return replace(one, standing=Standing.ASKED, why=f"{declared.file} keeps it out of the workspaces")
    return one


def patterns(folders: list[str], all_folders: list[str], globs: Iterable[str] = ()) -> list[str]:
    """The folders as `fleet.workers`: a glob where it finds these and no other Worker. `globs` of workspaces first:
    what the repository gets later is found too.
    """
    chosen: list[str] = []
    for glob in globs:
        here = [folder for folder in all_folders if glob_pattern(glob).fullmatch(folder)]
        if is_glob(glob) and "{" not in glob and here and set(here) <= set(folders):
            chosen.append(glob)
            folders = [folder for folder in folders if folder not in here]
    for parent in sorted({folder.rpartition("/")[0] for folder in folders}):
        here = [folder for folder in folders if folder.rpartition("/")[0] == parent]
        there = [folder for folder in all_folders if folder.rpartition("/")[0] == parent and folder != "."]
        chosen += [f"{parent}/*"] if parent and len(here) > 1 and here == there else here
    return chosen


def document(proposal: Proposal, found: list[Found]) -> str:
    """The shortest `cattlegrid.toml` for these Workers, with a comment where a person will want to go on."""
    name = proposal.name
    globs = proposal.workspaces.wanted if proposal.workspaces is not None else ()
    workers = patterns([one.folder for one in found], [one.folder for one in proposal.found], globs)
    names = [name if one.folder == "." else one.folder.rpartition("/")[2] for one in found]
    first = key(names[0])
    return f"""\
# The Workers of this repository, for cattlegrid. Every setting: cattlegrid's docs/reference.md
[fleet]
name = {value(name)}
workers = {value(workers)}  # {", ".join(names)}
{_mapping(proposal)}
# What examines a Worker after each deploy. Without it nothing can pass, so nothing can be promoted.
# [workers.{first}]
# probe = "/probe/database"                # reads the environment's marker through the Worker's own binding
# smoke = [{{ get = "/", status = 200 }}]
"""


def _mapping(proposal: Proposal) -> str:
    """The environments that wrangler's files call by another name."""
    said = ""
    for environment in Environment:
        block = proposal.blocks.of(environment)
        if block != environment.value:
            said += f"\n[environments.{environment}]\nblock = {value(block)}  # what wrangler's files call it\n"
    for environment, names in proposal.unsure.items():
        said += f"\n# Which of {', '.join(names)} is {environment}? None, unless you say so:\n"
        said += f"# [environments.{environment}]\n# block = {value(names[0])}\n"
    return said


def _name(root: Path) -> str:
    try:
        package: Any = json.loads((root / "package.json").read_text("utf-8"))
    except (OSError, ValueError):
        package = {}
    name = package.get("name") if isinstance(package, dict) else None
    return str(name or root.name).rpartition("/")[2] or "fleet"
