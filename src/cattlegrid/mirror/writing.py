"""The statements that put rows into a table: they replace their range, so running them twice is running them once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.mirror import values
from cattlegrid.mirror.engine import PARAMETER_BYTES
from cattlegrid.mirror.ranges import Range
from cattlegrid.mirror.schema import Table, quoted
from cattlegrid.mirror.values import Row

_COLUMNS = 100
_PIECE = 1_800_000


def replace(table: Table, one: Range, rows: Sequence[Row], lines: Sequence[str]) -> list[Statement]:
    """`lines` are the canonical forms of `rows`."""
    return [Statement(f"DELETE FROM {quoted(table.name)} WHERE {one.where(table)}"), *insert(table, rows, lines)]


def insert(table: Table, rows: Sequence[Row], lines: Sequence[str]) -> list[Statement]:
    into = f"INSERT INTO {quoted(table.name)} ({', '.join(table.carried)})"
    if len(table.carried) > _COLUMNS:
        return [_single(table, into, row) for row in rows]
    letters = frozenset(str(row[-1]) for row in rows)
    select = f"{into} SELECT {', '.join(values.decoders(table, letters))} FROM json_each(?1)" if rows else ""
    statements: list[Statement] = []
    for group in packed(lines):
        if isinstance(group, int):
            statements.append(_single(table, into, rows[group]))
        else:
            statements.append(Statement(select, (group,)))
    return statements


def packed(lines: Iterable[str]) -> Iterator[str | int]:
    """JSON lists of lines that fit one parameter each; the number of a line that fits none."""
    held: list[str] = []
    size = 2
    for number, line in enumerate(lines):
        weight = (len(line) if line.isascii() else len(line.encode())) + 1
        if weight + 2 > PARAMETER_BYTES:
            if held:
                yield f"[{','.join(held)}]"
            held, size = [], 2
            yield number
            continue
        if size + weight > PARAMETER_BYTES:
            yield f"[{','.join(held)}]"
            held, size = [], 2
        held.append(line)
        size += weight
    if held:
        yield f"[{','.join(held)}]"


def _single(table: Table, into: str, row: Row) -> Statement:
    """One row with a statement of its own; its long values are parameters of their own, in pieces."""
    letters = str(row[-1])
    small = list(row)
    parameters: list[str] = []
    decoders = values.single_decoders(table, letters)
    for at, letter in enumerate(letters):
        value = row[at]
        if letter not in "btT" or not isinstance(value, str) or len(value) < 100_000:
            continue
        pieces = list(_pieces(value, _PIECE if letter != "t" else _PIECE // 4))
        marks = [f"?{2 + len(parameters) + number}" for number in range(len(pieces))]
        parameters += pieces
        if letter == "t":
            decoders[at] = values.joined("||", marks)
        else:
            joined = values.joined("||", [f"unhex({mark})" for mark in marks])
            decoders[at] = f"CAST({joined} AS {'BLOB' if letter == 'b' else 'TEXT'})"
        small[at] = None
        small[-1] = f"{str(small[-1])[:at]}n{str(small[-1])[at + 1 :]}"
    return Statement(f"{into} VALUES ({', '.join(decoders)})", (values.line(small), *parameters))


def _pieces(text: str, size: int) -> Iterator[str]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


def update(table: Table, columns: Sequence[str], rows: Sequence[Row], lines: Sequence[str]) -> list[Statement]:
    """Sets only these columns of rows that are there, found by key. For lines that fit one parameter each."""
    letters = frozenset(str(row[-1]) for row in rows)
    if not rows:
        return []
    decoders = values.decoders(table, letters)
    places = [table.carried.index(quoted(column)) for column in columns]
    keys = ", ".join(f"{decoders[at]} AS k{number}" for number, at in enumerate(table.key_at))
    new = ", ".join(f"{decoders[at]} AS v{number}" for number, at in enumerate(places))
    sets = ", ".join(f"{quoted(column)} = d.v{number}" for number, column in enumerate(columns))
    match = " AND ".join(f"{quoted(table.name)}.{part} = d.k{number}" for number, part in enumerate(table.key))
    sql = f"UPDATE {quoted(table.name)} SET {sets} FROM (SELECT {keys}, {new} FROM json_each(?1)) d WHERE {match}"
    return [Statement(sql, (group,)) for group in packed(lines) if isinstance(group, str)]
