"""What a migration file would do to tables that are full: each file statement by statement, on the schema it meets.

The files run on an empty database in memory, so that every statement is looked at with the tables as it finds them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cattlegrid.database import ledger
from cattlegrid.database.migrations import Migration
from cattlegrid.database.schema import limits, local, loss, rows
from cattlegrid.database.schema.look import Look, Remark, Severity
from cattlegrid.database.sql import Statement, statements
from cattlegrid.model.target import Database


@dataclass(frozen=True)
class Finding:
    """One remark with its place; `file` is a path. `safe` is the way that works on full tables."""

    rule: str
    severity: Severity
    file: str
    line: int
    what: str
    safe: str


@dataclass(frozen=True)
class Linted:
    findings: tuple[Finding, ...]
    files: int
    statements: int


def lint(database: Database, files: Sequence[Migration], applied: frozenset[str] = frozenset()) -> Linted:
    """Findings in the files that are not in `applied`, in their order."""
    found: list[Finding] = []
    counted = 0
    with local.opened() as connection:
        connection.execute(ledger.table_sql(database.table))
        for file in _in_order(database, files):
            parsed = statements(file.sql)
            remarks = list(_file(connection, database, parsed))
            if file.name not in applied and file in files:
                counted += len(parsed)
                where = str(file.path)
                found += [Finding(one.rule, one.severity, where, line, one.what, one.safe) for line, one in remarks]
    return Linted(tuple(found), sum(file.name not in applied for file in files), counted)


def _in_order(database: Database, files: Sequence[Migration]) -> Sequence[Migration]:
    """With the base schema first, where one is needed; as wrangler orders them, when nothing helps."""
    try:
        built = local.build(database, files)
    except local.CannotBuild:
        return files
    return (*built.base, *built.files)


@dataclass
class _File:
    """`made` are the tables that this file created: they are empty wherever it runs, until it fills them."""

    made: set[str] = field(default_factory=set)
    copied: set[str] = field(default_factory=set)


def _file(
    connection: sqlite3.Connection, database: Database, parsed: Sequence[Statement]
) -> Iterator[tuple[int, Remark]]:
    known = _File()
    renamed_to = {name for one in parsed if (name := _renamed_to(one))}
    broken = False
    if parsed and not parsed[-1].ended:
        yield parsed[-1].line, limits.NO_SEMICOLON
    for one in parsed:
        look = Look(connection, database, one, frozenset(known.made), frozenset(known.copied), frozenset(renamed_to))
        remarks = [remark for rule in (*limits.RULES, *loss.RULES, *rows.RULES) for remark in rule(look)]
        yield from ((one.line, remark) for remark in remarks)
        if look.creates:
            known.made.add(look.creates)
        known.copied |= look.reads_all
        error = _execute(connection, one)
        if error and not broken and not any(remark.severity is Severity.FAILS for remark in remarks):
            broken = True  # what follows from it is not worth a line each
            yield (
                one.line,
                Remark("does-not-run", Severity.FAILS, error, "correct the statement, or the order of files"),
            )


def _renamed_to(one: Statement) -> str:
    """The new name of `ALTER TABLE … RENAME TO name`."""
    words = one.plain
    return words[-1] if words[:2] == ("alter", "table") and words[-3:-1] == ("rename", "to") else ""


def _execute(connection: sqlite3.Connection, one: Statement) -> str:
    """What the engine said against the statement; empty when it ran."""
    try:
        connection.execute(one.text)
    except sqlite3.Error as error:
        return f"does not run on an empty database (SQLite {sqlite3.sqlite_version} of this Python): {error}"
    return ""
