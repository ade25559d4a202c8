"""Ranges of a table by its key, as SQL that is exact for every kind of key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.mirror import values
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.schema import Table, quoted

Bound = tuple[str, ...]
"""One row's key as SQL expressions, in the order of `Table.key`."""


@dataclass(frozen=True)
class Range:
    """The rows of `table` after `lo` up to and with `hi`; None is open. `rows` and `bytes` as they were planned.

    With `keys`, these rows and no others: a sample's.
    """

    table: str
    lo: Bound | None
    hi: Bound | None
    rows: int = 0
    bytes: int = 0
    keys: tuple[Bound, ...] = ()

    @property
    def shown(self) -> str:
        """The range for a person."""
        if self.keys:
            return f"{len(self.keys)} rows from ({', '.join(self.keys[0])}) to ({', '.join(self.keys[-1])})"
        low = "the start" if self.lo is None else f"after ({', '.join(self.lo)})"
        high = "the end" if self.hi is None else f"({', '.join(self.hi)})"
        return f"{low} to {high}"

    def where(self, table: Table) -> str:
        """The condition; every row meets that of an open range."""
        key = f"({', '.join(table.key)})"
        if self.keys:
            return f"{key} IN (VALUES {', '.join('(' + ', '.join(one) + ')' for one in self.keys)})"
        parts = []
        if self.lo is not None:
            parts.append(f"{key} > ({', '.join(self.lo)})")
        if self.hi is not None:
            parts.append(f"{key} <= ({', '.join(self.hi)})")
        return " AND ".join(parts) or "1"


def at(letters: str, found: Sequence[object]) -> Bound:
    """A key's values, as they were read, as SQL without affinity, so that comparisons are the column's own."""
    return tuple(_sql(letter, value) for letter, value in zip(letters, found, strict=True))


def _sql(letter: str, value: object) -> str:
    if letter in "iI":
        return str(value)
    if letter in "bB":
        return f"x'{value}'"
    if letter in "TL":
        return f"+CAST(x'{value}' AS TEXT)"
    if letter == "t":
        return f"+CAST(x'{str(value).encode().hex()}' AS TEXT)"
    return _real_sql(letter, value)


def _real_sql(letter: str, value: object) -> str:
    if letter == "r":
        packed = json.loads(values.line([value, "r"]))[0]
        if isinstance(packed, dict):
            return f"({packed['m']} * pow(2.0, {packed['e']}))"
        return repr(float(packed))
    return {"P": "9e999", "M": "-9e999", "Z": "(0.0 * -1.0)", "n": "NULL"}[letter]


PAGE = 400_000


def border_sql(engine: Engine, table: Table, target: int, after: Bound | None, blank: frozenset[str]) -> str:
    """The last key of each group of about `target` bytes, with running numbers of rows and bytes; of PAGE rows at most.

    Bytes are what a row weighs on the wire: text as it is, blobs twice, a little for each value.
    """
    key = ", ".join(table.key)
    names = [f"k{at}" for at in range(len(table.key))]
    weighed = weight(engine, table, blank)
    renamed = ", ".join(f"{part} AS {name}" for part, name in zip(table.key, names, strict=True))
    order = ", ".join(names)
    rest = Range(table.name, after, None).where(table)
    inner = f"SELECT {renamed}, {weighed} AS b FROM {quoted(table.name)} WHERE {rest}"
    sums = (
        f"SELECT {order}, row_number() OVER w AS n, sum(b) OVER w AS s FROM"
        f" ({inner} ORDER BY {key} LIMIT {PAGE}) WINDOW w AS (ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
    )
    groups = f"SELECT *, s / {target} AS g FROM ({sums})"
    nexts = f"SELECT *, lead(g) OVER (ORDER BY n) AS following FROM ({groups})"
    key_values, letters = key_columns(names)
    return f"SELECT {key_values}, {letters}, n, s FROM ({nexts}) WHERE following IS NOT g ORDER BY n"


def weight(engine: Engine, table: Table, blank: frozenset[str]) -> str:
    """An expression: what a row weighs on the wire, in bytes. Columns in `blank` weigh nothing."""
    weigh = [column for column in table.columns if column.name not in blank]
    weights = [
        f"coalesce({engine.bytes_of(quoted(c.name))} * (1 + (typeof({quoted(c.name)}) = 'blob')), 0)" for c in weigh
    ]
    return values.joined("+", [*weights, str(8 + 6 * len(table.columns))])


def key_columns(names: Sequence[str]) -> tuple[str, str]:
    """Result columns for a key, as text, number or hex, and the expression of its letters."""
    shown = []
    letters = []
    for name in names:
        shown.append(
            f"CASE typeof({name}) WHEN 'integer' THEN CAST({name} AS TEXT) WHEN 'real' THEN {name} ELSE hex({name}) END"
        )
        letters.append(
            f"CASE typeof({name}) WHEN 'integer' THEN 'I' WHEN 'text' THEN 'T' WHEN 'blob' THEN 'b'"
            " WHEN 'null' THEN 'n'"
            f" ELSE CASE WHEN {name} = 9e999 THEN 'P' WHEN {name} = -9e999 THEN 'M'"
            f" WHEN {name} = 0.0 AND atan2({name}, -1.0) < 0 THEN 'Z' ELSE 'r' END END"
        )
    return ", ".join(shown), values.joined("||", letters)


def plan_table(
    engine: Engine, table: Table, target: int, blank: frozenset[str], first: Sequence[Sequence[object]] | None = None
) -> list[Range]:
    """The ranges of one table, the last one open. `first` is the answer to the first page, when it is there already."""
    found: list[Range] = []
    after: Bound | None = None
    width = len(table.key)
    while True:
        page = first
        first = None
        if page is None:
            page = engine.run([Statement(border_sql(engine, table, target, after, blank))])[0].rows
        rows = size = 0
        for border in page:
            key = at(str(border[width]), border[:width])
            found.append(Range(table.name, after, key, int(str(border[-2])) - rows, int(str(border[-1])) - size))
            rows, size, after = int(str(border[-2])), int(str(border[-1])), key
        if rows < PAGE:
            break
    if not found:
        return [Range(table.name, None, None)]
    last = found[-1]
    return [*found[:-1], Range(last.table, last.lo, None, last.rows, last.bytes)]
