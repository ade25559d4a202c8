"""The kinds of statements that pass on an empty database and fail on a full one.

A new column is tried for real: on a table of the same columns that has one row, by the engine itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from cattlegrid.database.schema import definition, local
from cattlegrid.database.schema.look import Look, Remark, Severity
from cattlegrid.database.schema.structure import Column, Table
from cattlegrid.database.state import quoted

_FILL: Final = "add the column without it, fill it with UPDATE, and demand it of new rows in code or in a trigger"

# The engine's own words when there are rows → (rule, the safe way).
_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "Cannot add a NOT NULL column": (
        "add-not-null",
        "NOT NULL DEFAULT <a constant>, or nullable and filled with UPDATE",
    ),
    "non-constant default": ("add-default-expression", "a constant default, or none; then UPDATE the rows"),
    "CHECK constraint failed": ("add-check", "a default that passes the check, or a nullable column without one"),
    "REFERENCES column with non-NULL default": ("add-references-default", "DEFAULT NULL; then UPDATE the rows"),
    "NOT NULL constraint failed": (
        "add-generated-not-null",
        "leave NOT NULL out, or wrap the expression in coalesce()",
    ),
}


def add_column(look: Look) -> Iterator[Remark]:
    if look.added is None or look.added[0] in look.made:
        return
    table = look.schema.tables.get(look.added[0])
    if table is None:
        return
    name = look.words[look.added[1]]
    said = _with_one_row(table, look)
    for words, (rule, safe) in _REFUSALS.items():
        if words in said:
            yield Remark(
                rule, Severity.FAILS, f"adding {table.name}.{name} fails where {table.name} has rows: {said}", safe
            )
            return
    others = _checked_with(look, table)
    if others:
        what = f"the check on {table.name}.{name} is tried on existing rows, with their {', '.join(others)}"
        yield Remark("add-check", Severity.FAILS, what, _FILL)


def _with_one_row(table: Table, look: Look) -> str:
    """What the engine says to the statement when the table has a row of NULLs; empty when it is content."""
    stored = [column.name for column in table.columns if not column.generated]
    with local.opened() as scratch:
        scratch.execute(f"CREATE TABLE {quoted(table.name)} ({', '.join(map(quoted, stored))})")
        scratch.execute(f"INSERT INTO {quoted(table.name)} DEFAULT VALUES")
        try:
            scratch.execute(look.statement.text)
        except sqlite3.Error as error:
            return str(error)
    return ""


def _checked_with(look: Look, table: Table) -> list[str]:
    """Other columns that the new column's CHECK reads: what is in them decides."""
    if look.added is None:
        return []
    text = " ".join(token.text for token in look.tokens[look.added[1] :])
    checks = definition.of_table(f"CREATE TABLE x ({text})").checks
    return [column.name for column in table.columns if any(column.name in check for check in checks)]


def unique_index(look: Look) -> Iterator[Remark]:
    if not look.starts("create", "unique", "index") or "on" not in look.words:
        return
    name, at = look.name_at(look.words.index("on") + 1)
    table = look.schema.tables.get(name)
    if table is None or name in look.made:
        return
    columns = [" ".join(token.plain for token in element) for element in definition.elements(look.tokens[at:])]
    if any(set(known) <= set(columns) for known in _unique(table)):
        return
    listed = ", ".join(columns)
    what = f"the unique index fails where two rows of {name} have the same {listed}"
    query = f"SELECT {listed}, count(*) FROM {name} GROUP BY {listed} HAVING count(*) > 1"  # noqa: S608 - only shown
    yield Remark("unique-index", Severity.FAILS, what, f"mend the rows of `{query}` in a migration before this one")


def rebuild(look: Look) -> Iterator[Remark]:
    """Rows of an old table into a stricter new one."""
    if look.inserts is None or look.inserts[0] not in look.made or look.selects_from in ("", *look.made):
        return
    new, old = look.schema.tables.get(look.inserts[0]), look.schema.tables.get(look.selects_from)
    if new is None or old is None:
        return
    yield from _not_null(look, new, old)
    for rule, what, left, right in (
        ("rebuild-check", "check", new.checks, old.checks),
        ("rebuild-unique", "unique columns", _unique(new), _unique(old)),
        ("rebuild-foreign-key", "foreign key", _foreign_keys(new, old.name), _foreign_keys(old, old.name)),
    ):
        for one in sorted(set(left) - set(right)):
            yield Remark(
                rule,
                Severity.FAILS,
                f"{new.name} has a {what} that {old.name} has not ({' '.join(one)}): rows that break it stop the copy",
                f"find them first with a SELECT on {old.name}, and mend them in a migration before this one",
            )


def _not_null(look: Look, new: Table, old: Table) -> Iterator[Remark]:
    sources = _sources(look, new, old)
    for column in new.columns:
        if not column.not_null or column.generated:
            continue
        source = sources.get(column.name)
        if source is None and not column.default and not _rowid(new, column):
            what = f"{new.name}.{column.name} is NOT NULL and gets no value from {old.name}"
            yield Remark("rebuild-not-null", Severity.FAILS, what, "give it a DEFAULT, or select a value for it")
        before = old.column(source) if source is not None else None
        if before is not None and not before.not_null and not _rowid(old, before):
            what = f"{new.name}.{column.name} is NOT NULL and {old.name}.{before.name} may be NULL: such a row stops it"
            yield Remark("rebuild-not-null", Severity.FAILS, what, f"SELECT coalesce({before.name}, <a value>)")


def _sources(look: Look, new: Table, old: Table) -> dict[str, str]:
    """By column of the new table: the expression that it gets, spelling aside."""
    if look.inserts is None:
        return {}
    at = look.inserts[1]
    select = look.words.index("select")
    listed = [" ".join(t.plain for t in element) for element in definition.elements(look.tokens[at:select])]
    columns = listed or [column.name for column in new.columns if not column.generated]
    expressions: list[str] = []
    for expression in _select_list(look, select):
        stored = [column.name for column in old.columns if not column.generated]
        expressions += stored if expression == "*" else [expression.rpartition(" . ")[2]]
    return dict(zip(columns, expressions, strict=False))


def _select_list(look: Look, select: int) -> list[str]:
    found: list[str] = []
    depth, words = 0, list[str]()
    for token in look.tokens[select + 1 :]:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.plain in (",", "from"):
            found.append(" ".join(words))
            words = []
            if token.plain == "from":
                break
        elif token.plain != "distinct":
            words.append(token.plain)
    return found


def _rowid(table: Table, column: Column) -> bool:
    """An INTEGER PRIMARY KEY is never NULL and is given a value by the engine."""
    return column.type == "INTEGER" and column.key == 1 and sum(1 for one in table.columns if one.key) == 1


def _unique(table: Table) -> set[tuple[str, ...]]:
    keys = tuple(one.name for one in sorted(table.columns, key=lambda one: one.key) if one.key)
    return {*table.unique, *([keys] if keys else [])}


def _foreign_keys(table: Table, name: str) -> set[tuple[str, ...]]:
    """As text; one that refers to its own table refers to `name`."""
    keys = (replace(key, table=name) if key.table == table.name else key for key in table.foreign_keys)
    return {(str(key),) for key in keys}


def unique_with_null(look: Look) -> Iterator[Remark]:
    """UNIQUE over several columns never meets a row that has NULL in one of them."""
    if not look.creates or look.starts("create", "virtual"):
        return
    with local.opened() as scratch:
        try:
            scratch.execute(look.statement.text)
        except sqlite3.Error:
            return
        table = local.read(scratch, look.database).tables.get(look.creates)
    if table is None:
        return
    for columns in sorted(table.unique):
        loose = [one for one in map(table.column, columns) if one is not None and not one.not_null and not one.key]
        if len(columns) > 1 and loose:
            names = ", ".join(one.name for one in loose)
            what = f"UNIQUE ({', '.join(columns)}) does not hold for rows where {names} is NULL: they never conflict"
            safe = f"NOT NULL with a default for {names}, or a unique index on coalesce({loose[0].name}, '')"
            yield Remark("unique-with-null", Severity.TELLS, what, safe)


RULES: Final = (add_column, unique_index, rebuild, unique_with_null)
