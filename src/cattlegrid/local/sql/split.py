"""Splits SQL text into statements exactly where SQLite itself would end them.

The rules are those of `sqlite3_complete()`: a `;` ends a statement unless it stands in a string, a quoted name, a
comment or the body of a trigger, and a trigger's body ends with `; END ;`. A `CASE … END` inside a body never follows
a `;`, so it needs no counting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum


class Token(IntEnum):
    SEMICOLON = 0
    BLANK = 1
    OTHER = 2
    EXPLAIN = 3
    CREATE = 4
    TEMP = 5
    TRIGGER = 6
    END = 7


class State(IntEnum):
    START = 0
    PLAIN = 1
    EXPLAIN = 2
    CREATE = 3
    BODY = 4
    BODY_SEMICOLON = 5
    BODY_END = 6


# One row a state, one column a token, in the order of the two enums.
_NEXT: tuple[tuple[State, ...], ...] = tuple(
    tuple(State(column) for column in row)
    for row in (
        (0, 0, 1, 2, 3, 1, 1, 1),
        (0, 1, 1, 1, 1, 1, 1, 1),
        (0, 2, 2, 1, 3, 1, 1, 1),
        (0, 3, 1, 1, 1, 3, 4, 1),
        (5, 4, 4, 4, 4, 4, 4, 4),
        (5, 5, 4, 4, 4, 4, 4, 6),
        (0, 6, 4, 4, 4, 4, 4, 4),
    )
)
_KEYWORDS = {
    "explain": Token.EXPLAIN,
    "create": Token.CREATE,
    "temp": Token.TEMP,
    "temporary": Token.TEMP,
    "trigger": Token.TRIGGER,
    "end": Token.END,
}
# U+FEFF at the start of a token is a space to SQLite. An unclosed quote or comment runs to the end of the text.
TOKEN = re.compile(
    r"(?P<semicolon>;)"
    r"|(?P<blank>[ \t\n\f\r\ufeff]+|--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<word>[A-Za-z0-9_$\x80-\U0010ffff]+)"
    r"|(?P<quoted>'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z))"
    r"|(?P<other>.)",
    re.DOTALL,
)
# Everything that cannot end or hide the end of a plain statement, skipped in one go.
_DULL = re.compile(r"[^;'\"`\[/\-]+")


def split(sql: str) -> list[str]:
    """The statements of `sql` in order, without their `;` and without empty ones."""
    whole = sql.strip(_BLANKS)
    if ";" not in whole and not whole.startswith(("--", "/*")):
        return [whole] if whole else []
    splitter = Splitter()
    return [*splitter.feed(sql), *splitter.close()]


class Splitter:
    """Splits text that arrives in pieces; `pending` is how many characters wait for the end of their statement."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._state = State.START
        self._empty = True

    @property
    def pending(self) -> int:
        return len(self._text)

    def feed(self, piece: str) -> Iterator[str]:
        """The statements that `piece` completes."""
        self._text += piece
        yield from self._statements(final=False)

    def close(self) -> Iterator[str]:
        """The last statement, when the text does not end with a `;`."""
        yield from self._statements(final=True)
        if not self._empty:
            yield self._text.strip(_BLANKS)

    def _statements(self, *, final: bool) -> Iterator[str]:
        start = 0
        text, size = self._text, len(self._text)
        while self._at < size:
            if self._state is State.PLAIN and (dull := _DULL.match(text, self._at)):
                self._at = dull.end()
                continue
            found = TOKEN.match(text, self._at)
            if found is None or (found.end() == size and not final and found["semicolon"] is None):
                break
            self._at = found.end()
            token = kind(found)
            self._empty = self._empty and token in (Token.BLANK, Token.SEMICOLON)
            self._state = _NEXT[self._state][token]
            if token is Token.SEMICOLON and self._state is State.START:
                if not self._empty:
                    yield text[start : found.start()].strip(_BLANKS)
                start, self._empty = self._at, True
        self._text, self._at = text[start:], self._at - start


_BLANKS = " \t\n\f\r\ufeff"


def kind(found: re.Match[str]) -> Token:
    """What a match of TOKEN means to the end of a statement."""
    match found.lastgroup:
        case "semicolon":
            return Token.SEMICOLON
        case "blank":
            return Token.BLANK
        case "word":
            return _KEYWORDS.get(found[0].lower(), Token.OTHER)
        case _:
            return Token.OTHER
