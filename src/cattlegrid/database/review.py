"""What is wrong between a ledger and the files, by name, before anything is applied."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cattlegrid.database import sql
from cattlegrid.database.migrations import Migration
from cattlegrid.database.state import DatabaseState
from cattlegrid.errors import Refused


class Problem(StrEnum):
    """EDITED, OUT_OF_ORDER and UNRECORDED stop a migration; the others are told."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    EDITED = "edited"
    DUPLICATED = "duplicated"
    OUT_OF_ORDER = "out of order"
    UNRECORDED = "unrecorded"


STOPS = frozenset({Problem.EDITED, Problem.OUT_OF_ORDER, Problem.UNRECORDED})


@dataclass(frozen=True)
class Finding:
    """One entry of the ledger, or one file: its `name`, what is wrong with it, and what to do."""

    problem: Problem
    name: str
    what: str
    next: str = ""

    @property
    def stops(self) -> bool:
        return self.problem in STOPS

    def __str__(self) -> str:
        return f"{self.problem}: {self.name}: {self.what}"


def review(found: DatabaseState, files: Sequence[Migration]) -> tuple[Finding, ...]:
    """Every finding, in the order: ledger entries first, then files. Nothing is read but what is given."""
    return (
        *_ledger(found, files),
        *_unrecorded(found, files),
        *_edited(found, files),
        *_equal_numbers(found, files),
        *_late(found, files),
    )


def unchecked(found: DatabaseState, files: Sequence[Migration]) -> tuple[str, ...]:
    """Applied files that could have been edited since without our knowing: cattlegrid did not apply them."""
    names = {file.name for file in files}
    return tuple(name for name in found.applied if name in names and name not in found.digests)


def refuse(findings: Sequence[Finding], where: str, *, allow_out_of_order: bool = False) -> None:
    """Raises Refused with all the findings that stop a migration."""
    stops = [one for one in findings if one.stops and not (allow_out_of_order and one.problem is Problem.OUT_OF_ORDER)]
    if stops:
        lines = "\n  ".join(map(str, stops))
        raise Refused(f"nothing was applied\n  {lines}", where=where, next=stops[0].next)


def _ledger(found: DatabaseState, files: Sequence[Migration]) -> list[Finding]:
    names = [file.name for file in files]
    problems = [
        Finding(Problem.DUPLICATED, name, "the ledger names it more than once")
        for name in sorted({name for name in found.applied if found.applied.count(name) > 1})
    ]
    for name in dict.fromkeys(found.applied):
        if name in names:
            continue
        if f"{name}.sql" in names:
            what = f"the ledger's entry lacks the ending: the file is {name}.sql, and wrangler would apply it again"
            problems.append(Finding(Problem.UNKNOWN, name, what, "cattlegrid migrate adopt"))
        elif name.endswith(".sql"):
            problems.append(
                Finding(Problem.MISSING, name, f"it was applied and its file is not here{_like(name, names)}")
            )
        else:
            problems.append(Finding(Problem.UNKNOWN, name, "the ledger names it, and it is no migration file's name"))
    return problems


def _like(name: str, names: Sequence[str]) -> str:
    """A file that may be the missing one under another name."""
    title = name.partition("_")[2] or name
    same = [one for one in names if one.partition("_")[2] == title] or difflib.get_close_matches(name, names, 1, 0.85)
    return f"; was it renamed to {same[0]}?" if same else "; is this an older commit than what was applied?"


def _unrecorded(found: DatabaseState, files: Sequence[Migration]) -> list[Finding]:
    """With an empty ledger, files whose tables are there: they ran without wrangler, and would run again."""
    if found.applied or found.empty:
        return []
    there = {table.lower() for table in found.tables}
    return [
        Finding(
            Problem.UNRECORDED,
            file.name,
            f"the ledger is empty and {', '.join(made)} is there: the file ran without wrangler, and would run again",
            f"cattlegrid migrate adopt --env {found.marker}",
        )
        for file in files
        if (made := sorted(there & _creates(file)))
    ]


def _creates(file: Migration) -> set[str]:
    """The tables that the file's own statements make."""
    found = set()
    for statement in sql.statements(file.sql):
        words = [word for word in statement.plain[:8] if word not in ("virtual", "if", "not", "exists")]
        if words[:2] == ["create", "table"] and len(words) > 2:
            found.add(words[4] if words[3:4] == ["."] and len(words) > 4 else words[2])
    return found


def _edited(found: DatabaseState, files: Sequence[Migration]) -> list[Finding]:
    return [
        Finding(
            Problem.EDITED,
            file.name,
            f"it was edited after it was applied (then {found.digests[file.name][:12]}, now {file.digest[:12]})",
            f"git checkout the file as it was and write the difference as a new migration, or, when the edit changes"
            f" nothing in the database: cattlegrid migrate adopt --env {found.marker}",
        )
        for file in files
        if file.name in found.applied and found.digests.get(file.name, file.digest) != file.digest
    ]


def _equal_numbers(found: DatabaseState, files: Sequence[Migration]) -> list[Finding]:
    numbers = [file.number for file in files]
    return [
        Finding(
            Problem.DUPLICATED,
            file.name,
            f"the number {file.number} is also {_others(file, files)}'s; the order between them is by name",
        )
        for file in files
        if file.number is not None and numbers.count(file.number) > 1 and file.name not in found.applied
    ]


def _others(file: Migration, files: Sequence[Migration]) -> str:
    return " and ".join(one.name for one in files if one.number == file.number and one is not file)


def _late(found: DatabaseState, files: Sequence[Migration]) -> list[Finding]:
    # Files without a number sort last: one of them, applied, does not make every numbered file after it late.
    applied = [i for i, file in enumerate(files) if file.name in found.applied and file.number is not None]
    newest = applied[-1] if applied else -1
    return [
        Finding(
            Problem.OUT_OF_ORDER,
            file.name,
            f"it comes before {files[newest].name}, which is applied: a new database would run it first",
            f"git mv {file.name} to the next free number, or repeat with --allow-out-of-order",
        )
        for index, file in enumerate(files)
        if index < newest and file.name not in found.applied
    ]
