"""Values on their way through JSON, bit for bit.

A row is read as its values and one letter for each:

    n null   t text   i integer   I integer beyond 2^53, as text   r real   P +Infinity   M -Infinity   Z -0.0
    b blob, as hex   T text that is not UTF-8, as hex   B, L blob and text too long for one answer: read by slices

and written as one line of JSON, its canonical form: the same line is sent, hashed and compared. What JSON does not have
is an object: {"b": hex} {"t": hex} {"m": mantissa, "e": exponent} {"p": ±1} {"z": 0}. Reals go as mantissa and exponent
where SQLite 3.47 does not read their decimal form exactly (measured: docs/mirror.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import orjson

from cattlegrid.errors import Failed
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.schema import Table

SLICE: Final = 900_000
WIDTH: Final = 98
_EXACT: Final = "BETWEEN -9007199254740991 AND 9007199254740991"
_PLAIN: Final = frozenset("nti")

Row = list[object]
"""Values, and as the last item the letters."""


def selects(engine: Engine, table: Table, blank: frozenset[str], *, exact: bool) -> list[str]:
    """The result columns that read a row of `table`, in one list for each statement: an answer has 100 columns at most.

    Columns in `blank` are never read: they come as NULL. With `exact`, text comes as hex.
    """
    names = dict(zip(table.carried[-len(table.columns) :], (c.name for c in table.columns), strict=True))
    lists = []
    for at in range(0, len(table.carried), WIDTH):
        some = table.carried[at : at + WIDTH]
        read = [("NULL", "'n'") if names.get(c, "") in blank else _one(engine, c, exact=exact) for c in some]
        letters = joined("||", [letter for _, letter in read])
        lists.append(", ".join([*(value for value, _ in read), letters]))
    return lists


def _one(engine: Engine, c: str, *, exact: bool) -> tuple[str, str]:
    size = engine.bytes_of(c)
    text_value = f" WHEN 'text' THEN CASE WHEN {size} <= {SLICE} THEN hex({c}) END" if exact else ""
    text_letter = f"CASE WHEN {size} <= {SLICE} THEN 'T' ELSE 'L' END" if exact else "'t'"
    value = (
        f"CASE typeof({c}) WHEN 'blob' THEN CASE WHEN {size} <= {SLICE} THEN hex({c}) END{text_value}"
        f" WHEN 'integer' THEN CASE WHEN {c} {_EXACT} THEN {c} ELSE CAST({c} AS TEXT) END ELSE {c} END"
    )
    letter = (
        f"CASE typeof({c}) WHEN 'text' THEN {text_letter} WHEN 'null' THEN 'n'"
        f" WHEN 'integer' THEN CASE WHEN {c} {_EXACT} THEN 'i' ELSE 'I' END"
        f" WHEN 'blob' THEN CASE WHEN {size} <= {SLICE} THEN 'b' ELSE 'B' END"
        f" ELSE CASE WHEN {c} = 9e999 THEN 'P' WHEN {c} = -9e999 THEN 'M'"
        f" WHEN {c} = 0.0 AND atan2({c}, -1.0) < 0 THEN 'Z' ELSE 'r' END END"
    )
    return value, letter


def joined(operator: str, terms: Sequence[str]) -> str:
    """The terms under one operator as a balanced tree: an expression is 100 deep at most."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({joined(operator, terms[:middle])} {operator} {joined(operator, terms[middle:])})"


def merged(parts: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of one table from the answers to the statements that read them."""
    if len(parts) == 1:
        return list(parts[0])
    rows = []
    for pieces in zip(*parts, strict=True):
        values = [value for piece in pieces for value in piece[:-1]]
        rows.append([*values, "".join(str(piece[-1]) for piece in pieces)])
    return rows


def torn(rows: Sequence[Row]) -> bool:
    """Whether some text may not have been UTF-8: a replacement character came."""
    return any("�" in value for row in rows for value in row if type(value) is str)


def settle(row: Row) -> Row:
    """A row read with `exact`: text that is UTF-8 after all becomes ordinary text again."""
    letters = str(row[-1])
    for at, letter in enumerate(letters):
        if letter == "T":
            try:
                row[at] = bytes.fromhex(str(row[at])).decode("utf-8")
            except UnicodeDecodeError:
                continue
            letters = f"{letters[:at]}t{letters[at + 1 :]}"
    row[-1] = letters
    return row


def line(row: Row) -> str:
    """The canonical form."""
    values = row[:-1]
    for at, letter in _specials(str(row[-1])):
        value = values[at]
        if letter != "r" or type(value) is not float or not 1e-15 <= abs(value) < 1e15:
            values[at] = _special(letter, value)
    return orjson.dumps(values).decode()


@lru_cache(maxsize=10_000)
def _specials(letters: str) -> tuple[tuple[int, str], ...]:
    """Where a row's values do not go as they are. Most rows of a table have the same letters."""
    return tuple((at, letter) for at, letter in enumerate(letters) if letter not in _PLAIN)


def lines(rows: Sequence[Row]) -> list[str]:
    """The canonical forms. Text with a NUL is hex from here on, in the row too: not every SQLite's JSON carries it."""
    found = []
    for row in rows:
        one = line(row)
        if "\\u0000" in one:
            letters = list(str(row[-1]))
            for at, value in enumerate(row[:-1]):
                if letters[at] == "t" and "\0" in str(value):
                    row[at], letters[at] = str(value).encode().hex().upper(), "T"
            row[-1] = "".join(letters)
            one = line(row)
        found.append(one)
    return found


def _special(letter: str, value: object) -> object:
    if letter == "r":
        return _real(value if type(value) is float else float(str(value)))
    if letter == "I":
        return int(str(value))
    if letter in "bB":
        return {"b": value}
    if letter in "TL":
        return {"t": value}
    if letter == "Z":
        return {"z": 0}
    return {"p": 1 if letter == "P" else -1}


def _real(number: float) -> object:
    if number == 0.0 or 1e-15 <= abs(number) < 1e15:
        return abs(number) if number == 0.0 else number
    mantissa, exponent = math.frexp(number)
    whole, shift = int(mantissa * 2**53), exponent - 53
    while whole % 2 == 0:
        whole, shift = whole // 2, shift + 1
    if shift < -1074:
        raise Failed(f"{number!r} is not a double")
    return {"m": whole, "e": shift}


def decoders(table: Table, letters: frozenset[str]) -> list[str]:
    """SQL that reads each carried value out of a line in `value`; plain where every row of `letters` is plain there."""
    return [_decoder(at, {letter[at] for letter in letters}) for at in range(len(table.carried))]


def _decoder(at: int, seen: set[str], source: str = "value") -> str:
    path = f"'$[{at}]"
    plain = f"json_extract({source},{path}')"
    if not seen & set("bBTLPMZr"):
        return plain
    if seen == {"r"}:
        short = f"json_extract({source},{path}.m') * pow(2.0, json_extract({source},{path}.e'))"
        return f"CASE json_type({source},{path}') WHEN 'object' THEN {short} ELSE {plain} END"
    if seen <= {"b", "B", "n"}:
        return f"unhex(json_extract({source},{path}.b'))"
    return (
        f"CASE json_type({source},{path}') WHEN 'object' THEN coalesce(unhex(json_extract({source},{path}.b')),"
        f" CAST(unhex(json_extract({source},{path}.t')) AS TEXT),"
        f" json_extract({source},{path}.m') * pow(2.0, json_extract({source},{path}.e')),"
        f" json_extract({source},{path}.p') * 9e999, 0.0 * -1.0) ELSE {plain} END"
    )


def single_decoders(table: Table, letters: str) -> list[str]:
    """As `decoders`, for one row whose line is the parameter ?1."""
    return [_decoder(at, {letter}, "?1") for at, letter in enumerate(letters[: len(table.carried)])]
