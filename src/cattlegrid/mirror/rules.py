"""What happens to the values of each table: decided for every column before the first row is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cattlegrid.errors import Failed
from cattlegrid.mirror.schema import Table, quoted
from cattlegrid.mirror.values import Row


class Mask(Protocol):
    """Changes a value to another of its form, always to the same one. `other` takes letter and value of what is not
    text, and raises ValueError with the reason when this mask has no answer to it.
    """

    def text(self, value: str) -> str: ...

    def other(self, letter: str, value: object) -> tuple[str, object]: ...


@dataclass(frozen=True)
class Const:
    """The value of every row."""

    letter: str
    value: object


@dataclass(frozen=True)
class TableRules:
    """By column name. `words` is how each column's rule was written, for the report. `unlooked` are the columns that
    nobody decided on, since no text was expected in them: text there stops the mirror. No row of an `empty` table is
    copied from production; a `kept` one is empty, too, and gets the rows that staging has now.
    """

    masks: Mapping[str, Mask] = field(default_factory=dict)
    consts: Mapping[str, Const] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    unlooked: frozenset[str] = frozenset()
    empty: bool = False
    kept: bool = False

    @property
    def blank(self) -> frozenset[str]:
        """The columns that are not even read."""
        return frozenset(self.consts)


@dataclass(frozen=True)
class Rules:
    tables: Mapping[str, TableRules]

    @property
    def blank(self) -> dict[str, frozenset[str]]:
        return {name: rules.blank for name, rules in self.tables.items()}

    @property
    def empty(self) -> frozenset[str]:
        return frozenset(name for name, rules in self.tables.items() if rules.empty)

    @property
    def kept(self) -> frozenset[str]:
        return frozenset(name for name, rules in self.tables.items() if rules.kept)

    @property
    def digest(self) -> str:
        told = {name: [dict(rules.words), rules.empty, rules.kept] for name, rules in self.tables.items()}
        return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()

    def of(self, table: Table) -> TableRules:
        return self.tables.get(table.name, TableRules())


KEEP_ALL = Rules({})


def apply(table: Table, rules: TableRules, rows: Sequence[Row]) -> None:
    """Masks the rows in place. Raises Failed, naming table and column and never a value."""
    places = {name: table.carried.index(quoted(name)) for name in (*rules.masks, *rules.consts, *rules.unlooked)}
    for name in rules.unlooked:
        at = places[name]
        if any(str(row[-1])[at] in "tTbBL" for row in rows):
            raise Failed(
                "text or a blob is in a column that is declared as a number, and nobody decided what it may become",
                where=f"table {table.name}, column {name}",
                next=f'add to [mirror.mask]: "{table.name}.{name}" = "keep" or a mask',
            )
    for name, const in rules.consts.items():
        for row in rows:
            put(row, places[name], const.letter, const.value)
    for name, mask in rules.masks.items():
        _mask(table, name, places[name], mask, rows)


def _mask(table: Table, name: str, at: int, mask: Mask, rows: Sequence[Row]) -> None:
    try:
        if all(str(letters)[at] == "t" for letters in {row[-1] for row in rows}):
            for row in rows:
                row[at] = mask.text(row[at])  # type: ignore[arg-type] # its letter says text
            return
        for row in rows:
            letter, value = str(row[-1])[at], row[at]
            if letter == "t":
                row[at] = mask.text(str(value))
            elif letter != "n":
                put(row, at, *mask.other(letter, value))
    except ValueError as error:
        raise Failed(
            f"the mask cannot mask every value: {error}",
            where=f"table {table.name}, column {name}",
            next=f'choose another for "{table.name}.{name}" in [mirror.mask]: text or hash take anything',
        ) from None


def put(row: Row, at: int, letter: str, value: object) -> None:
    letters = str(row[-1])
    row[at] = value
    if letters[at] != letter:
        row[-1] = f"{letters[:at]}{letter}{letters[at + 1 :]}"
