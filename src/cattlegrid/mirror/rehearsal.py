"""Pending migrations on a throw-away copy: what each does to the rows that are there, before production sees it.

A migration runs as production will run it: the file as one transaction. When it fails, its statements are run one by
one, to name the one that fails and, where SQL can say it, the row that makes it fail. Rows are compared by key, before
and after, by the engine itself: no value is shown, only keys.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cattlegrid.clock import Clock
from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.errors import CattlegridError
from cattlegrid.mirror import schema
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.schema import Schema, Table, literal, quoted
from cattlegrid.mirror.structure import Writer

LONGEST: Final = 30.0
_BEFORE: Final = "_cattlegrid_before_"


@dataclass(frozen=True)
class Effect:
    """What one migration did to one table's rows. `after` is None when the table is gone."""

    table: str
    before: int
    after: int | None
    lost: int
    changed: int

    @property
    def quiet(self) -> bool:
        return not self.lost and not self.changed and self.before == self.after


@dataclass(frozen=True)
class Rehearsed:
    """One migration. `failure` is empty when it ran; `statement` and `row` say where and on which row it failed."""

    name: str
    seconds: float
    rows_read: int
    rows_written: int
    effects: tuple[Effect, ...]
    broken_references: int
    failure: str = ""
    statement: str = ""
    row: str = ""

    @property
    def lost(self) -> int:
        return sum(effect.lost for effect in self.effects)

    @property
    def slow(self) -> bool:
        """Whether it comes near the 30 s after which D1 ends a call, and for which it keeps others waiting."""
        return self.seconds > LONGEST / 2


def rehearse(writer: Writer, migrations: Sequence[tuple[str, str]], clock: Clock) -> tuple[Rehearsed, ...]:
    """Each migration (name, SQL) in turn, until one fails."""
    done = []
    for name, sql in migrations:
        one = _one(writer, name, sql, clock)
        done.append(one)
        if one.failure:
            break
    return tuple(done)


def statements(sql: str) -> Iterator[str]:
    """The statements of a file, where SQLite itself ends them."""
    held = ""
    for piece in sql.split(";"):
        held += piece + ";"
        if sqlite3.complete_statement(held):
            if held.strip(" \t\r\n;"):
                yield held.strip()
            held = ""
    if _bare(held):
        yield held.strip().removesuffix(";")


def _bare(text: str) -> str:
    """A piece of SQL without its comments."""
    return re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip(" \t\r\n;")


def _one(writer: Writer, name: str, sql: str, clock: Clock) -> Rehearsed:
    before = schema.read(writer.engine)
    kept = _keep(writer, before)
    parts = [part for part in statements(sql) if _bare(part)]
    started = clock.monotonic()
    try:
        results = writer.write([Statement(part) for part in parts])
    except CattlegridError as error:
        if error.exit_code != 1:
            raise
        return _failed(writer, name, parts, error, clock.monotonic() - started)
    seconds = clock.monotonic() - started
    effects = tuple(effect for effect in _effects(writer.engine, kept) if not effect.quiet)
    broken = len(writer.engine.run([Statement("PRAGMA foreign_key_check")])[0].rows)
    _drop(writer, kept)
    return Rehearsed(name, seconds, _sum(results, "rows_read"), _sum(results, "rows_written"), effects, broken)


def _sum(results: Sequence[Result], field: str) -> int:
    return sum(int(getattr(result, field)) for result in results)


def _keep(writer: Writer, before: Schema) -> list[tuple[Table, str]]:
    """A copy of each table beside it, to compare with: only what SQL can read, without keys and checks."""
    kept = []
    for number, table in enumerate(before.tables):
        copy = f"{_BEFORE}{number}"
        columns = ", ".join(f"{quoted(column.name)} AS c{at}" for at, column in enumerate(table.columns))
        select = f"SELECT {columns} FROM {quoted(table.name)}"
        writer.write([Statement(f"DROP TABLE IF EXISTS {copy}"), Statement(f"CREATE TABLE {copy} AS {select}")])
        kept.append((table, copy))
    return kept


def _drop(writer: Writer, kept: Sequence[tuple[Table, str]]) -> None:
    for at in range(0, len(kept), 40):
        writer.write([Statement(f"DROP TABLE IF EXISTS {copy}") for _, copy in kept[at : at + 40]])


def _identity(table: Table) -> list[tuple[int, str]]:
    """What tells one row from another across a rebuild: the primary key; a bare row id does not survive one."""
    return [(at, column.name) for at, column in enumerate(table.columns) if column.primary]


def _effects(engine: Engine, kept: Sequence[tuple[Table, str]]) -> Iterator[Effect]:
    after = {table.name: table for table in schema.read(engine).tables}
    for table, copy in kept:
        (counted,) = engine.run([Statement(f"SELECT count(*) FROM {copy}")])
        before = int(str(counted.rows[0][0]))
        now = after.get(table.name)
        if now is None:
            yield Effect(table.name, before, None, before, 0)
            continue
        yield _compared(engine, table, now, copy, before)


def _compared(engine: Engine, table: Table, now: Table, copy: str, before: int) -> Effect:
    there = {column.name for column in now.columns}
    common = [(at, column.name) for at, column in enumerate(table.columns) if column.name in there]
    identity = _identity(table)
    if identity and {name for _, name in identity} <= there:
        match = " AND ".join(f"t.{quoted(name)} IS b.c{at}" for at, name in identity)
        first, key = identity[0]
        differs = " OR ".join(f"t.{quoted(name)} IS NOT b.c{at}" for at, name in common) or "0"
        sql = (
            f"SELECT count(*), sum(gone), sum(NOT gone AND other) FROM (SELECT t.{quoted(key)} IS NULL AND"
            f" b.c{first} IS NOT NULL AS gone, ({differs}) AS other FROM {copy} b"
            f" LEFT JOIN {quoted(table.name)} t ON {match})"
        )
    else:
        mine = ", ".join(f"c{at}" for at, _ in common)
        theirs = ", ".join(quoted(name) for _, name in common)
        gone = f"SELECT {mine} FROM {copy} EXCEPT SELECT {theirs} FROM {quoted(table.name)}"
        sql = f"SELECT 0, (SELECT count(*) FROM ({gone})), 0"
    found, counted = engine.run([Statement(sql), Statement(f"SELECT count(*) FROM {quoted(table.name)}")])
    _, lost, changed = found.rows[0]
    return Effect(table.name, before, int(str(counted.rows[0][0])), int(str(lost or 0)), int(str(changed or 0)))


def _failed(writer: Writer, name: str, parts: Sequence[str], error: CattlegridError, seconds: float) -> Rehearsed:
    """The statement that fails when they run one by one, and the row; the end, when only together they fail."""
    for part in parts:
        try:
            writer.write([Statement(part)])
        except CattlegridError as alone:
            if alone.exit_code != 1:
                raise
            row = _culprit(writer.engine, part, alone.what)
            return Rehearsed(name, seconds, 0, 0, (), 0, failure=alone.what, statement=_short(part), row=row)
    broken = writer.engine.run([Statement("PRAGMA foreign_key_check")])[0].rows
    row = f"table {broken[0][0]}, row {broken[0][1]} references a missing row of {broken[0][2]}" if broken else ""
    return Rehearsed(name, seconds, 0, 0, (), len(broken), failure=error.what, statement="at its end", row=row)


_UNIQUE: Final = re.compile(r"UNIQUE constraint failed: (.+?)(?:: SQLITE|$)")
_NOT_NULL: Final = re.compile(r"NOT NULL constraint failed: (\S+)\.(\w+)")
_FROM: Final = re.compile(r"\bFROM\s+(\"[^\"]+\"|\w+)", re.IGNORECASE)
_TABLE: Final = re.compile(r"\b(?:ALTER\s+TABLE|INTO|ON|UPDATE)\s+(\"[^\"]+\"|\w+)", re.IGNORECASE)


def _culprit(engine: Engine, statement: str, said: str) -> str:
    """The row that a statement fails on, by key; empty where the engine cannot be asked."""
    try:
        if found := _UNIQUE.search(said):
            return _duplicate(engine, found[1])
        if found := _NOT_NULL.search(said):
            return _missing(engine, statement, found[2])
        if "FOREIGN KEY" in said:
            return _orphan(engine, statement)
        if "NOT NULL column" in said or "non-constant default" in said or "REFERENCES column" in said:
            return _any_row(engine, statement)
        if "CHECK constraint" in said or "constraint failed" in said:
            return _any_row(engine, statement)
    except CattlegridError:
        return ""  # the question could not be asked of this schema; the failure itself is told all the same
    return ""


def _duplicate(engine: Engine, places: str) -> str:
    table = places.split(".", maxsplit=1)[0].strip()
    columns = ", ".join(quoted(place.split(".")[-1].strip()) for place in places.split(","))
    sql = f"SELECT count(*), min(rowid), max(rowid) FROM {quoted(table)} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
    rows = engine.run([Statement(sql)])[0].rows
    return (
        f"{rows[0][0]} rows of {table} are equal there, rows {rows[0][1]} and {rows[0][2]} among them" if rows else ""
    )


def _missing(engine: Engine, statement: str, column: str) -> str:
    for source in _FROM.findall(statement):
        name = schema.unquoted(source)
        sql = f"SELECT count(*), min(rowid) FROM {quoted(name)} WHERE {quoted(column)} IS NULL"
        rows = engine.run([Statement(sql)])[0].rows
        if rows and rows[0][0]:
            return f"{rows[0][0]} rows of {name} have no {column}, row {rows[0][1]} first"
    return _any_row(engine, statement)


def _orphan(engine: Engine, statement: str) -> str:
    into = next((schema.unquoted(name) for name in _TABLE.findall(statement)), "")
    source = next((schema.unquoted(name) for name in _FROM.findall(statement)), into)
    asked = f'SELECT "table", "from", coalesce("to", \'\') FROM pragma_foreign_key_list({literal(into)})'
    for parent, mine, theirs in engine.run([Statement(asked)])[0].rows:
        match = quoted(str(theirs)) if theirs else "rowid"
        sql = (
            f"SELECT count(*), min(rowid) FROM {quoted(source)} WHERE {quoted(str(mine))} IS NOT NULL"
            f" AND {quoted(str(mine))} NOT IN (SELECT {match} FROM {quoted(str(parent))})"
        )
        rows = engine.run([Statement(sql)])[0].rows
        if rows and rows[0][0]:
            return (
                f"{rows[0][0]} rows of {source} reference a missing row of {parent} by {mine}, row {rows[0][1]} first"
            )
    return ""


def _any_row(engine: Engine, statement: str) -> str:
    name = next((schema.unquoted(found) for found in _TABLE.findall(statement)), "")
    if not name:
        return ""
    rows = engine.run([Statement(f"SELECT count(*) FROM {quoted(name)}")])[0].rows
    return f"{name} has {rows[0][0]} rows; an empty table would have let it pass" if rows and rows[0][0] else ""


def _short(statement: str) -> str:
    return " ".join(statement.split())[:160]
