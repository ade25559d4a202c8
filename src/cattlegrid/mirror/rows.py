"""Reading whole ranges of rows, every value bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.errors import Failed
from cattlegrid.mirror import values
from cattlegrid.mirror.engine import VALUE_BYTES, Engine
from cattlegrid.mirror.ranges import Range, at
from cattlegrid.mirror.schema import Table, quoted
from cattlegrid.mirror.values import SLICE, Row

Blank = Mapping[str, frozenset[str]]
"""By table: the columns whose values never leave the database."""


def blank_of(blank: Blank, table: Table) -> frozenset[str]:
    return blank.get(table.name, frozenset())


def read(engine: Engine, tables: Mapping[str, Table], ranges: Sequence[Range], blank: Blank) -> list[list[Row]]:
    """The rows of each range, ordered by key, all of them in one transaction.

    A second call follows only for ranges that hold text which is not UTF-8, and one for each value over 900,000 bytes.
    """
    found, replaced = _read(engine, tables, ranges, blank, exact=False)
    doubtful = [at for at, rows in enumerate(found) if values.torn(rows)] if replaced else []
    if doubtful:
        again, _ = _read(engine, tables, [ranges[at] for at in doubtful], blank, exact=True)
        for place, rows in zip(doubtful, again, strict=True):
            found[place] = rows
    for one, rows in zip(ranges, found, strict=True):
        table = tables[one.table]
        for row in rows:
            if "B" in row[-1] or "L" in row[-1]:  # type: ignore[operator] # the last item is the letters
                _whole(engine, table, row)
    if doubtful:
        for place in doubtful:
            found[place] = [values.settle(row) for row in found[place]]
    return found


def _read(
    engine: Engine, tables: Mapping[str, Table], ranges: Sequence[Range], blank: Blank, *, exact: bool
) -> tuple[list[list[Row]], bool]:
    asked: list[Statement] = []
    widths = []
    for one in ranges:
        table = tables[one.table]
        lists = values.selects(engine, table, blank.get(table.name, frozenset()), exact=exact)
        order = ", ".join(table.key)
        where = one.where(table)
        asked += [
            Statement(f"SELECT {read} FROM {quoted(table.name)} WHERE {where} ORDER BY {order}") for read in lists
        ]
        widths.append(len(lists))
    answers = engine.run(asked)
    results = [result.rows for result in answers]
    found = []
    start = 0
    for width in widths:
        found.append(values.merged(results[start : start + width]))
        start += width
    return found, any(result.replaced for result in answers)


def _whole(engine: Engine, table: Table, row: Row) -> None:
    """Fills in the values that were too long, by slices, as hex."""
    letters = str(row[-1])
    key = at("".join(letters[place] for place in table.key_at), [row[place] for place in table.key_at])
    where = f"({', '.join(table.key)}) = ({', '.join(key)})"
    for place, letter in enumerate(letters):
        if letter not in "BL":
            continue
        c = table.carried[place]
        starts = range(1, VALUE_BYTES + 1, SLICE)
        asked = [
            Statement(
                f"SELECT hex(substr(CAST({c} AS BLOB), {start}, {SLICE})) FROM {quoted(table.name)} WHERE {where}"
            )
            for start in starts
        ]
        pieces = [result.rows for result in engine.run(asked)]
        if not all(pieces):
            raise Failed(
                "a row with a long value went away while it was read",
                where=f"table {table.name}, key ({', '.join(key)}), column {c}",
                next="repeat the command",
            )
        row[place] = "".join(str(piece[0][0]) for piece in pieces)
        letters = letters[:place] + ("b" if letter == "B" else "T") + letters[place + 1 :]
    row[-1] = letters
