"""What only a table's own SQL says, and no PRAGMA: checks, collations, generated expressions, deferral, conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cattlegrid.database.schema.structure import Plain
from cattlegrid.database.sql import Kind, Token, tokens

_CONSTRAINTS: Final = frozenset({"constraint", "primary", "unique", "check", "foreign"})


@dataclass
class Definition:
    """By column, where something is said of one; `deferred` are the columns of foreign keys that wait for the end.

    Nobody changes it once it is made: the same SQL gives the same object.
    """

    checks: set[Plain] = field(default_factory=set)
    collations: dict[str, str] = field(default_factory=dict)
    generated: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    deferred: set[tuple[str, ...]] = field(default_factory=set)
    autoincrement: bool = False


@lru_cache(maxsize=4096)
def of_table(sql: str) -> Definition:
    """From a CREATE TABLE that the engine has accepted. Commit, staging and production mostly share their text."""
    found = Definition()
    for element in elements(list(tokens(sql))):
        first = element[0]
        constraint = first.kind is Kind.WORD and first.plain in _CONSTRAINTS
        _read(element, "" if constraint else first.plain, found)
    return found


def arguments(sql: str) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Module, columns and options of a CREATE VIRTUAL TABLE."""
    all_tokens = list(tokens(sql))
    using = next((i for i, token in enumerate(all_tokens) if token.plain == "using"), len(all_tokens) - 2)
    columns, options = [], {}
    for element in elements(all_tokens[using:]):
        if len(element) > 2 and element[1].text == "=":
            options[element[0].plain] = _unquoted(element[2:])
        else:
            columns.append(" ".join(token.plain for token in element))
    return all_tokens[using + 1].plain, tuple(columns), options


def _unquoted(found: Sequence[Token]) -> str:
    """An option's value: `'a b'`, `"a b"` and `a b` are the same to a module."""
    if len(found) == 1 and found[0].kind is Kind.TEXT:
        return found[0].text[1:-1].replace("''", "'")
    return " ".join(token.identifier for token in found)


def elements(found: Sequence[Token]) -> Iterator[list[Token]]:
    """What stands between the commas of the first pair of brackets."""
    depth, element = 0, list[Token]()
    for token in found:
        if token.text == ")":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and token.text == ",":
            yield element
            element = []
        elif depth:
            element.append(token)
        if token.text == "(":
            depth += 1
    if element:
        yield element


def _read(element: Sequence[Token], column: str, found: Definition) -> None:
    words = [token.plain if token.kind is Kind.WORD else "" for token in element]
    foreign: tuple[str, ...] = (column,) if column else ()
    at = 1 if column else 0
    while at < len(element):
        word, group = words[at], _group(element, at + 1)
        if word == "check":
            found.checks.add(group)
        elif word == "collate" and column:
            found.collations[column] = element[at + 1].plain
        elif word == "as" and group and column:
            found.generated[column] = " ".join(group)
        elif word == "key" and words[at - 1] == "foreign":
            foreign = tuple(part for part in group if part != ",")
        elif word == "autoincrement":
            found.autoincrement = True
        elif word == "conflict":
            found.conflicts[column] = f"{found.conflicts.get(column, '')} {_of(words, at)} {words[at + 1]}".strip()
        elif word == "deferred" and "deferrable" in words[:at] and _not_not(words, at):
            found.deferred.add(foreign)
        at += 1 + (len(group) + 2 if group else 0)


def _group(element: Sequence[Token], at: int) -> Plain:
    """What stands in the brackets that open at this place; empty when none do."""
    if at >= len(element) or element[at].text != "(":
        return ()
    depth = 0
    for end in range(at, len(element)):
        depth += {"(": 1, ")": -1}.get(element[end].text, 0)
        if depth == 0:
            return tuple(token.plain for token in element[at + 1 : end])
    return ()


def _of(words: Sequence[str], at: int) -> str:
    """Which constraint a conflict clause belongs to: the last one named before it."""
    return next((word for word in reversed(words[:at]) if word in ("null", "unique", "key", "check")), "")


def _not_not(words: Sequence[str], at: int) -> bool:
    """Whether `deferrable` is not negated."""
    last = max(index for index, word in enumerate(words[:at]) if word == "deferrable")
    return last == 0 or words[last - 1] != "not"
