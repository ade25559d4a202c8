"""The structure that migration files make: applied to an empty database in memory, as wrangler would apply them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.database import ledger
from cattlegrid.database.migrations import Migration
from cattlegrid.database.schema.read import Row, structure
from cattlegrid.database.schema.structure import Structure
from cattlegrid.database.sql import statements
from cattlegrid.database.state import quoted
from cattlegrid.errors import NotMeasured
from cattlegrid.model.target import Database


@dataclass(frozen=True)
class Built:
    """`note` says when the files had to be taken in another order than wrangler's, or with a base beside the folder."""

    structure: Structure
    files: tuple[Migration, ...]
    base: tuple[Migration, ...] = ()
    note: str = ""


class CannotBuild(NotMeasured):
    """The files do not run on an empty database here. `where` is file and line."""


def build(database: Database, files: Sequence[Migration]) -> Built:
    """In wrangler's order; failing that with a base schema first, from inside the folder or from beside it.

    Raises CannotBuild, with what wrangler's own order ran into.
    """
    try:
        return Built(made(database, files), tuple(files))
    except CannotBuild as error:
        first = error
    for base, rest, note in _orders(database, files):
        try:
            found = made(database, (*base, *rest))
        except CannotBuild:
            continue
        inside = all(one in files for one in base)
        return Built(found, (*base, *rest) if inside else tuple(rest), () if inside else base, note)
    raise first


def made(database: Database, files: Sequence[Migration]) -> Structure:
    """What these files make of an empty database, in this order. Raises CannotBuild."""
    with opened() as connection:
        for file in files:
            run(connection, database, file)
        return read(connection, database)


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    """An empty database in memory, set as D1 is: foreign keys are enforced."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection
    finally:
        connection.close()


def run(connection: sqlite3.Connection, database: Database, file: Migration) -> None:
    """One file in one transaction, its row in the ledger included. Raises CannotBuild with file and line."""
    connection.execute(ledger.table_sql(database.table))
    try:
        connection.executescript(f"BEGIN;\n{file.sql}\n;")
        _record(connection, database, file)
    except sqlite3.Error:
        _undo(connection)
        _slowly(connection, database, file)


def _slowly(connection: sqlite3.Connection, database: Database, file: Migration) -> None:
    """Statement by statement, to know the line that does not run."""
    line = 1
    connection.execute("BEGIN")
    try:
        for statement in statements(file.sql):
            line = statement.line
            connection.execute(statement.text)
        _record(connection, database, file)
    except sqlite3.Error as error:
        _undo(connection)
        raise CannotBuild(
            f"does not run on an empty database (SQLite {sqlite3.sqlite_version} of this Python): {error}",
            where=f"{file.name}:{line}",
            next="cattlegrid schema lint",
        ) from error


def _record(connection: sqlite3.Connection, database: Database, file: Migration) -> None:
    if not connection.execute(_recorded(database.table), (file.name,)).fetchone()[0]:
        connection.execute(ledger.record_sql(database.table, file.name))
    connection.execute("COMMIT")


def _undo(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def read(connection: sqlite3.Connection, database: Database) -> Structure:
    return structure(lambda questions: [_rows(connection, sql) for sql in questions], ledger=database.table)


def _rows(connection: sqlite3.Connection, sql: str) -> list[Row]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _recorded(table: str) -> str:
    return f"SELECT count(*) FROM {quoted(table)} WHERE name = ?"  # noqa: S608 - an identifier, quoted


def _orders(
    database: Database, files: Sequence[Migration]
) -> Iterator[tuple[tuple[Migration, ...], Sequence[Migration], str]]:
    unnumbered = tuple(file for file in files if file.number is None)
    numbered = [file for file in files if file.number is not None]
    if unnumbered and numbered:
        names = ", ".join(file.name for file in unnumbered)
        yield unnumbered, numbered, f"{names} has to run first, and wrangler runs it last"
    for path in _beside(database):
        base = Migration.of(path, path.name)
        yield (base,), files, f"{path.name} beside the folder has to run first, and wrangler does not know it"


def _beside(database: Database) -> list[Path]:
    if database.migrations is None:
        return []
    above = database.migrations.parent
    return [path for path in (above / "schema.sql", above / "db" / "schema.sql") if path.is_file()]
