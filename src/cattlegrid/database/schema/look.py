"""One statement of a migration, with the schema as it finds it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from cattlegrid.database.schema import local
from cattlegrid.database.schema.structure import Structure
from cattlegrid.database.sql import Kind, Statement, Token
from cattlegrid.model.target import Database


class Severity(StrEnum):
    """FAILS: it fails, or may fail, where there are rows. LOSES: it takes data away. TELLS: worth knowing."""

    FAILS = "fails on rows"
    LOSES = "loses data"
    TELLS = "note"


@dataclass(frozen=True)
class Remark:
    rule: str
    severity: Severity
    what: str
    safe: str


@dataclass(frozen=True)
class Look:
    """`made` are tables that this file created, `copied` those that it read whole into another table before;
    `renamed_to` the names that it gives to tables it made.
    """

    connection: sqlite3.Connection
    database: Database
    statement: Statement
    made: frozenset[str]
    copied: frozenset[str]
    renamed_to: frozenset[str]

    @cached_property
    def schema(self) -> Structure:
        return local.read(self.connection, self.database)

    @property
    def words(self) -> tuple[str, ...]:
        return self.statement.plain

    @property
    def tokens(self) -> tuple[Token, ...]:
        return self.statement.tokens

    def starts(self, *words: str) -> bool:
        return self.words[: len(words)] == words

    def name_at(self, at: int) -> tuple[str, int]:
        """The table named at this place (`main.` left out), and the place after it."""
        if at + 2 < len(self.words) and self.words[at + 1] == ".":
            return self.words[at + 2], at + 3
        return (self.words[at], at + 1) if at < len(self.words) else ("", at)

    @cached_property
    def added(self) -> tuple[str, int] | None:
        """(table, place of the new column's name) of an ALTER TABLE … ADD."""
        if not self.starts("alter", "table"):
            return None
        table, at = self.name_at(2)
        if self.words[at : at + 1] != ("add",):
            return None
        at += 1
        return table, at + (self.words[at] == "column" and at + 1 < len(self.words))

    @cached_property
    def creates(self) -> str:
        """The table that a CREATE TABLE makes; empty for any other statement."""
        if not self.starts("create", "table") and not self.starts("create", "virtual", "table"):
            return ""
        at = 2 if self.starts("create", "table") else 3
        at += 3 if self.words[at : at + 3] == ("if", "not", "exists") else 0
        return self.name_at(at)[0]

    @cached_property
    def inserts(self) -> tuple[str, int] | None:
        """(table, place after its name) of an INSERT or REPLACE."""
        if not self.words or self.words[0] not in ("insert", "replace"):
            return None
        if "into" not in self.words[:5]:
            return None
        return self.name_at(self.words.index("into") + 1)

    @cached_property
    def conflict(self) -> str:
        """`replace`, `ignore`, … of an INSERT; empty for none."""
        if self.starts("replace"):
            return "replace"
        return self.words[2] if self.starts("insert", "or") else ""

    @cached_property
    def selects_from(self) -> str:
        """The one table that an INSERT … SELECT reads; empty when it is none or several."""
        found = self.inserts
        if found is None or "select" not in self.words or "from" not in self.words:
            return ""
        at = self.words.index("from")
        rest = self.words[at + 1 :]
        return self.name_at(at + 1)[0] if "join" not in rest and "(" not in rest[:1] else ""

    @property
    def reads_all(self) -> frozenset[str]:
        """Tables whose rows this statement copies into another table."""
        return frozenset({self.selects_from} - {""})

    def keyword(self, *words: str) -> bool:
        """Whether these keywords stand next to each other, outside of brackets and of quotes."""
        depth, plain = 0, list[str]()
        for token in self.tokens:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            plain.append(token.plain if depth == 0 and token.kind is Kind.WORD else "")
        return any(tuple(plain[at : at + len(words)]) == words for at in range(len(plain)))
