"""SQL text as SQLite reads it: tokens, statements with their lines, and a form in which spelling does not count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

# An unclosed string, name or comment runs to the end of the text. U+FEFF is a space to SQLite.
_TOKEN: Final = re.compile(
    r"""(?P<blank>[\s\ufeff]+|--[^\n]*|/\*.*?(?:\*/|\Z))
      |(?P<text>[xX]?'(?:[^']|'')*(?:'|\Z))
      |(?P<name>"(?:[^"]|"")*(?:"|\Z)|`(?:[^`]|``)*(?:`|\Z)|\[[^\]]*(?:\]|\Z))
      |(?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
      |(?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
      |(?P<sign>->>|->|\|\||<>|<=|>=|==|!=|<<|>>|.)""",
    re.VERBOSE | re.DOTALL,
)


class Kind(StrEnum):
    TEXT = "text"
    NAME = "name"
    WORD = "word"
    NUMBER = "number"
    SIGN = "sign"


class Token(NamedTuple):
    """`start` and `end` are offsets in the text. A NAME is an identifier in quotes, a WORD one without."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        """The token without what means nothing: the case of words and names, and the quotes around names."""
        if self.kind is Kind.TEXT:
            return self.text
        return self.identifier.lower()

    @property
    def identifier(self) -> str:
        """A name as the schema has it."""
        if self.kind is not Kind.NAME:
            return self.text
        quote = self.text[0]
        return self.text[1:-1].replace(quote * 2, quote) if quote != "[" else self.text[1:-1]


@dataclass(frozen=True)
class Statement:
    """One statement without its `;`. `line` counts from 1; `ended` says that a `;` followed."""

    text: str
    line: int
    tokens: tuple[Token, ...]
    ended: bool

    @cached_property
    def plain(self) -> tuple[str, ...]:
        return tuple(token.plain for token in self.tokens)

    @property
    def short(self) -> str:
        """The statement in one line of at most 100 characters."""
        line = " ".join(self.text.split())
        return line if len(line) <= 100 else line[:99] + "…"


_KINDS: Final = {kind.value: kind for kind in Kind}


def tokens(sql: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(sql):
        if found.lastgroup != "blank" and found.lastgroup is not None:
            yield Token(_KINDS[found.lastgroup], found[0], found.start(), found.end())


@lru_cache(maxsize=4096)
def plain(sql: str) -> tuple[str, ...]:
    """The text in a form that is equal for two spellings of the same thing: comments, blanks, case and quotes gone."""
    return tuple(token.plain for token in tokens(sql))


def statements(sql: str) -> tuple[Statement, ...]:
    """The statements where SQLite ends them: not inside strings, names, comments, or a trigger's body."""
    found: list[Statement] = []
    current: list[Token] = []
    line, counted = 1, 0
    for token in tokens(sql):
        if token.text != ";" or _inside_trigger(current):
            if not current:
                line += sql.count("\n", counted, token.start)
                counted = token.start
            current.append(token)
        elif current:
            found.append(_statement(sql, line, current, ended=True))
            current = []
    if current:
        found.append(_statement(sql, line, current, ended=False))
    return tuple(found)


def _statement(sql: str, line: int, found: Sequence[Token], *, ended: bool) -> Statement:
    return Statement(sql[found[0].start : found[-1].end], line, tuple(found), ended)


def _inside_trigger(found: Sequence[Token]) -> bool:
    """Whether these tokens begin a trigger whose body a `;` does not end: it ends with `; END ;`."""
    if not _makes_trigger(found):
        return False
    return not (len(found) > 1 and found[-1].text.lower() == "end" and found[-2].text == ";")


def _makes_trigger(found: Sequence[Token]) -> bool:
    """`CREATE [TEMP] TRIGGER`, perhaps behind EXPLAIN and whatever it says: as SQLite's own test decides it."""
    words = (token.text.lower() if token.kind is Kind.WORD else "" for token in found)
    explained, created = False, False
    for at, word in enumerate(words):
        if created:
            if word not in _TEMPORARY:
                return word == "trigger"
        elif word == "create" and (at == 0 or explained):
            created = True
        elif word == "explain" and at == 0:
            explained = True
        elif not explained or word in _NOT_EXPLAINED:
            return False
    return False


_TEMPORARY: Final = ("temp", "temporary")
_NOT_EXPLAINED: Final = ("explain", "end", "trigger", *_TEMPORARY)


def unclosed(sql: str) -> bool:
    """Whether the text ends inside a comment, a string or a quoted name: what is written behind it would be lost."""
    last = ""
    for found in _TOKEN.finditer(sql):
        last = found[0]
    if last.startswith("/*"):
        return not last.endswith("*/") or len(last) < 4
    opening = "'" if last[:2].lower() == "x'" else last[:1]
    if opening not in ("'", '"', "`", "["):
        return False
    body, closing = last[last.index(opening) + 1 :], "]" if opening == "[" else opening
    # A quote is written twice inside its own kind: only an odd number at the end closes.
    closers = len(body) - len(body.rstrip(closing))
    return closers == 0 or (closing != "]" and closers % 2 == 0)
