"""D1's documented limits that the local engine does not enforce, or enforces at another number.

The engine itself refuses statements over 100,000 bytes, more than 100 parameters or columns, long LIKE patterns and
deep expressions. Values are documented at 2,000,000 bytes where the engine cuts at 4 MiB, and functions at 32
arguments where it cuts at 127.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cattlegrid.local.sql.split import TOKEN

VALUE_BYTES = 2_000_000
STATEMENT_BYTES = 100_000
FUNCTION_ARGUMENTS = 32
VALUE_TOO_BIG = "string or blob too big: SQLITE_TOOBIG"
STATEMENT_TOO_LONG = "statement too long: SQLITE_TOOBIG"

# Only functions of any number of arguments can be called with 33.
_VARIADIC = re.compile(
    r"char|coalesce|concat|concat_ws|date|datetime|format|i?if|julianday|max|min|printf|strftime|time|unixepoch"
    r"|jsonb?_(?:array|extract|insert|object|remove|replace|set)"
)
_VARIADIC_NAMED = re.compile(rf"\b(?:{_VARIADIC.pattern})\b", re.IGNORECASE)
_NAME_POSITIONS = frozenset(
    {"into", "table", "index", "on", "references", "exists", "update", "with", "recursive", "."}
)
_WRITES = re.compile(
    r"\b(?:insert(?:\s+or\s+\w+)?\s+into|replace\s+into|update(?:\s+or\s+\w+)?)\s+"
    r"""(?:[\w"`\[\]]+\s*\.\s*)?("(?:[^"]|"")+"|`[^`]+`|\[[^\]]+\]|\w+)""",
    re.IGNORECASE,
)
_GROWS = re.compile(r"\b(?:hex|zeroblob|randomblob|replace|group_concat|string_agg)\s*\(|\|\|", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    sql: str
    params: Sequence[object] = ()


def refusal(statement: Statement) -> str | None:
    """The engine's own words for why D1 would not run `statement`, or None."""
    if len(statement.sql.encode()) > STATEMENT_BYTES:
        return STATEMENT_TOO_LONG
    if any(size(value) > VALUE_BYTES for value in statement.params):
        return VALUE_TOO_BIG
    return _too_many_arguments(statement.sql)


def size(value: object) -> int:
    """Bytes that a value takes in a row; numbers count as none."""
    match value:
        case str():
            return len(value) if value.isascii() else len(value.encode())
        case bytes() | list():
            return len(value)
        case _:
            return 0


def oversized(rows: Iterable[Iterable[object]]) -> bool:
    """Whether a result holds a value that D1 would not have given back. A character is four bytes at most."""
    long = (value for row in rows for value in row if isinstance(value, str | list) and len(value) > VALUE_BYTES // 4)
    return any(size(value) > VALUE_BYTES for value in long)


def written_to(statement: Statement) -> str | None:
    """The table (as written, quotes and all) whose rows may pass the row limit by this statement, or None.

    A row is never bigger than what it is made of, so only a statement that brings more than one row's worth of
    parameters, or that multiplies what it is given, needs a look at what it wrote.
    """
    brought = sum(map(size, statement.params))
    multiplies = _GROWS.search(statement.sql) is not None
    if brought <= VALUE_BYTES and not (multiplies and (brought > VALUE_BYTES // 4 or "blob" in statement.sql.lower())):
        return None
    found = _WRITES.search(statement.sql)
    return found[1] if found else None


def row_check(table: str, columns: Sequence[str]) -> Statement:
    """A statement that fails, and takes its batch with it, when `table` holds a row over the limit."""
    total = " + ".join(f"coalesce(octet_length({quoted(column)}), 0)" for column in columns)
    # SQL cannot raise outside a trigger, but a bad JSON path is an error that quotes the path. typeof() has at most
    # seven letters: it adds nothing, and keeps the engine from evaluating a constant before it has found a row.
    path = f"'{ROW_CHECK_MARK}' || substr(typeof({quoted(columns[0])}), 9)"
    found = f"FROM {table} WHERE {total} > {VALUE_BYTES} LIMIT 1"
    return Statement(f"SELECT json_extract('{{}}', {path}) {found}")


ROW_CHECK_MARK = "row over 2,000,000 bytes"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def unquoted(name: str) -> str:
    """A table name as the schema has it, from a name as SQL wrote it."""
    if name[:1] == '"':
        return name[1:-1].replace('""', '"')
    return name.strip("`[]")


def value_list(params: object) -> list[object] | None:
    """Parameters as the engine takes them (numbers, text, null, bytes as integers), or None when they are no list."""
    if params is None:
        return []
    if not isinstance(params, list):
        return None
    return [_value(one) for one in params]


def _value(value: object) -> object:
    match value:
        case bool():
            return int(value)
        case dict():
            return json.dumps(value)
        case _:
            return value


def _too_many_arguments(sql: str) -> str | None:
    """Counts commas at the depth of each call of a variadic function."""
    if sql.count(",") < FUNCTION_ARGUMENTS or _VARIADIC_NAMED.search(sql) is None:
        return None
    before, word, at = "", "", 0
    calls: list[tuple[str, int, int]] = []
    for found in TOKEN.finditer(sql):
        text = found[0]
        if found.lastgroup == "blank":
            continue
        if text == "(":
            called = word if _VARIADIC.fullmatch(word) and before not in _NAME_POSITIONS else ""
            calls.append((called, at, 1))
        elif text == ")" and calls:
            calls.pop()
        elif text == "," and calls:
            name, start, count = calls[-1]
            calls[-1] = (name, start, count + 1)
            if name and count + 1 > FUNCTION_ARGUMENTS:
                return f"too many arguments on function {name} at offset {start}: SQLITE_ERROR"
        before, word, at = word, text.lower() if found.lastgroup == "word" else text, found.start()
    return None
