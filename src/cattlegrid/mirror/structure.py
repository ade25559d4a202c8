"""The shape around the rows: tables before them; sequences, indexes, searches, views and triggers after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.mirror import schema as shape
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.order import circles, circular
from cattlegrid.mirror.schema import Schema, literal, quoted


class Writer(Protocol):
    """What rows are written through: `engine` reads the same database back."""

    @property
    def engine(self) -> Engine: ...

    def write(self, statements: Sequence[Statement]) -> list[Result]: ...


def begin(writer: Writer, schema: Schema) -> None:
    """Makes the tables that are not there yet; takes triggers away, so that none fires while rows are written."""
    there = _there(writer.engine)
    gone = [Statement(f"DROP TRIGGER {quoted(name)}") for what, name in there if what == "trigger"]
    names = {name for what, name in there if what == "table"}
    made = [Statement(table.sql) for table in schema.filled if table.name not in names]
    _all(writer, [*gone, *made])


def finish(writer: Writer, schema: Schema, empty: frozenset[str]) -> None:
    """Makes what belongs to full tables. May be run again after an interruption. `empty` tables keep no sequence."""
    there = {sql for what, sql in _sqls(writer.engine) if what != "table"}
    names = {name for what, name in _there(writer.engine) if what == "table"}
    for sql in schema.indexes:
        if sql not in there:
            writer.write([Statement(sql)])
    _all(writer, [Statement(sql) for _, sql in schema.views if sql not in there])
    for search in schema.searches:
        if search.name not in names:
            writer.write([Statement(search.sql)])
        if search.content and not search.vocabulary:
            writer.write([_command(search.name, "rebuild")])
    if schema.sequences:
        writer.write(_sequences(schema, empty))
    _all(writer, [Statement(sql) for sql in schema.triggers if sql not in there])


def clear(writer: Writer) -> None:
    """Empties the database of everything but the marker and the mirror's notes. Children go before parents."""
    found = shape.read(writer.engine)
    there = _there(writer.engine)
    _all(writer, [Statement(f"DROP TRIGGER {quoted(name)}") for what, name in there if what == "trigger"])
    _all(writer, [Statement(f"DROP VIEW {quoted(name)}") for name, _ in found.views])
    _all(writer, [Statement(f"DROP TABLE {quoted(one.name)}") for one in reversed(found.searches)])
    waiting: list[Statement] = []
    for group in reversed(circles(found.tables)):
        # Dropping a table that no other references frees its pages; deleting its rows first would take time for each.
        dropped = [Statement(f"DROP TABLE {quoted(table.name)}") for table in reversed(group)]
        if circular(group):
            emptied = [Statement(f"DELETE FROM {quoted(table.name)}") for table in reversed(group)]
            _all(writer, waiting)
            writer.write([Statement("PRAGMA defer_foreign_keys = ON"), *emptied])
            writer.write([Statement("PRAGMA defer_foreign_keys = ON"), *dropped])
            waiting, dropped = [], []
        waiting += dropped
    _all(writer, waiting)
    writer.write([Statement("DROP TABLE IF EXISTS _cattlegrid_chunks")])


def integrity(search: str) -> Statement:
    """Compares an FTS5 index with its content; an error when they differ."""
    return Statement(f"INSERT INTO {quoted(search)} ({quoted(search)}, rank) VALUES ('integrity-check', 1)")


def _command(search: str, command: str) -> Statement:
    return Statement(f"INSERT INTO {quoted(search)} ({quoted(search)}) VALUES ({literal(command)})")


def _sequences(schema: Schema, empty: frozenset[str]) -> list[Statement]:
    statements = []
    for name, number in schema.sequences:
        statements.append(Statement(f"DELETE FROM sqlite_sequence WHERE name = {literal(name)}"))
        if name not in empty:
            statements.append(Statement(f"INSERT INTO sqlite_sequence (name, seq) VALUES ({literal(name)}, {number})"))
    return statements


def _there(engine: Engine) -> list[tuple[str, str]]:
    asked = "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'"
    (result,) = engine.run([Statement(asked)])
    return [(str(what), str(name)) for what, name in result.rows]


def _sqls(engine: Engine) -> list[tuple[str, str]]:
    (result,) = engine.run([Statement("SELECT type, sql FROM sqlite_schema WHERE sql IS NOT NULL")])
    return [(str(what), str(sql)) for what, sql in result.rows]


def _all(writer: Writer, statements: Sequence[Statement]) -> None:
    for at in range(0, len(statements), 50):
        writer.write(statements[at : at + 50])
