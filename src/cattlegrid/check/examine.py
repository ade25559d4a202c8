"""All rules over one look; what the settings ignore is marked, and an entry that ignores nothing is found too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cattlegrid.check import rules
from cattlegrid.check.agreement import agreement
from cattlegrid.check.isolation import isolation
from cattlegrid.check.look import Look
from cattlegrid.check.repository import around
from cattlegrid.check.words import words
from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.git import paths
from cattlegrid.git.repository import Repository
from cattlegrid.model.finding import Finding
from cattlegrid.model.fleet import Ignore


def examine(look: Look, repository: Repository | None, more: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """In the order of files and lines. Without a repository, what lies around the Workers is not looked at.

    Raises ConfigError for an ignored rule that does not exist.
    """
    _known(look.fleet.ignores)
    found = [*isolation(look), *agreement(look), *words(look), *more]
    if repository is not None:
        found += around(look, repository)
    marked = [_marked(one, look.fleet.ignores) for one in dict.fromkeys(found)]
    marked += _idle(look.fleet.ignores, found)
    return tuple(sorted(marked, key=lambda one: (one.file, one.line, one.column, one.rule.code)))


def _known(ignores: tuple[Ignore, ...]) -> None:
    codes = {rule.code for rule in rules.RULES}
    mistakes = tuple(
        Mistake("cattlegrid.toml", f"check.ignore[{index}].rule", f"there is no rule {entry.rule!r}")
        for index, entry in enumerate(ignores)
        if entry.rule not in codes
    )
    if mistakes:
        raise ConfigError(mistakes, next="cattlegrid check --rules")


def _covers(entry: Ignore, finding: Finding) -> bool:
    return entry.rule == finding.rule.code and paths.glob_pattern(entry.file).fullmatch(finding.file) is not None


def _marked(finding: Finding, ignores: tuple[Ignore, ...]) -> Finding:
    reason = next((entry.reason for entry in ignores if _covers(entry, finding)), "")
    return replace(finding, ignored=reason) if reason else finding


def _idle(ignores: tuple[Ignore, ...], found: list[Finding]) -> Iterator[Finding]:
    for index, entry in enumerate(ignores):
        if not any(_covers(entry, finding) for finding in found):
            what = f"check.ignore[{index}] ignores {entry.rule} in {entry.file}, where it is not found"
            yield Finding(rules.IDLE_IGNORE, "cattlegrid.toml", 1, 1, what, "take the entry out")
