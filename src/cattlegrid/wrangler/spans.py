"""Where each value stands in the text of a wrangler file: offsets by path, for JSON with comments and for TOML.

A path is a tuple of keys and list indices, as in the parsed value. The text is taken to be valid: it was parsed before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Span:
    """`start` and `end` of a value; `key` is where its key begins (the value itself, for an element of a list)."""

    key: int
    start: int
    end: int


@dataclass
class Spans:
    """`values` by path. `tables` are TOML's tables with a header of their own, and the top level."""

    values: dict[Path, Span] = field(default_factory=dict)
    tables: set[Path] = field(default_factory=lambda: {()})


def spans(text: str, file_name: str) -> Spans:
    return _toml(text) if file_name.endswith(".toml") else _json(text)


# --- JSON with comments

_JSON_BLANK: Final = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_JSON_TEXT: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_JSON_BARE: Final = re.compile(r"[^\s,\]}/]+")


def _json(text: str) -> Spans:
    found = Spans()
    _json_value(text, _skip(_JSON_BLANK, text, 0), (), found, None)
    return found


def _json_value(text: str, at: int, path: Path, found: Spans, key: int | None) -> int:
    start = at
    if text[at] == "{":
        at = _items(text, at, _JSON_BLANK, "}", lambda here, _: _json_member(text, here, path, found))
    elif text[at] == "[":
        at = _items(
            text, at, _JSON_BLANK, "]", lambda here, index: _json_value(text, here, (*path, index), found, None)
        )
    else:
        at = _end(_JSON_TEXT if text[at] == '"' else _JSON_BARE, text, at)
    found.values[path] = Span(start if key is None else key, start, at)
    return at


def _json_member(text: str, at: int, path: Path, found: Spans) -> int:
    import json  # noqa: PLC0415 - only files in JSON pay for it

    end = _end(_JSON_TEXT, text, at)
    name = str(json.loads(text[at:end]))
    colon = _skip(_JSON_BLANK, text, end)
    return _json_value(text, _skip(_JSON_BLANK, text, colon + 1), (*path, name), found, at)


def _items(text: str, at: int, blank: re.Pattern[str], close: str, one: Callable[[int, int], int]) -> int:
    """The items between brackets, with commas between them and perhaps one after the last."""
    at, index = _skip(blank, text, at + 1), 0
    while text[at] != close:
        at = _skip(blank, text, one(at, index))
        index += 1
        if text[at] == ",":
            at = _skip(blank, text, at + 1)
    return at + 1


# --- TOML

_TOML_BLANK: Final = re.compile(r"(?:[\s\ufeff]+|\#[^\n]*)*")
_TOML_SPACE: Final = re.compile(r"[ \t]*")
_TOML_TEXT: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'", re.DOTALL
)
_TOML_BARE: Final = re.compile(r"[^,\]}\n#]*[^,\]}\n#\s]")
_TOML_KEY: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'|[A-Za-z0-9_-]+")


def _toml(text: str) -> Spans:
    found, lists = Spans(), dict[Path, int]()
    here: Path = ()
    at = _skip(_TOML_BLANK, text, 0)
    while at < len(text):
        if text[at] == "[":
            here, at = _toml_header(text, at, lists)
            found.tables.add(here)
        else:
            at = _toml_entry(text, at, here, found)
        at = _skip(_TOML_BLANK, text, at)
    return found


def _toml_header(text: str, at: int, lists: dict[Path, int]) -> tuple[Path, int]:
    brackets = 2 if text.startswith("[[", at) else 1
    names, at = _toml_keys(text, at + brackets)
    path: Path = ()
    for index, name in enumerate(names):
        path = (*path, name)
        if brackets == 2 and index == len(names) - 1:
            lists[path] = lists.get(path, -1) + 1
        if path in lists:
            path = (*path, lists[path])
    return path, at + brackets


def _toml_entry(text: str, at: int, here: Path, found: Spans) -> int:
    key = at
    names, at = _toml_keys(text, at)
    return _toml_value(text, _skip(_TOML_SPACE, text, at + 1), (*here, *names), found, key)


def _toml_keys(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """A dotted key, and where the sign after it (`=` or `]`) stands."""
    import tomllib  # noqa: PLC0415 - only files in TOML pay for it

    names = []
    while True:
        at = _skip(_TOML_SPACE, text, at)
        end = _end(_TOML_KEY, text, at)
        raw = text[at:end]
        names.append(next(iter(tomllib.loads(f"{raw} = 0"))))
        at = _skip(_TOML_SPACE, text, end)
        if text[at] != ".":
            return tuple(names), at
        at += 1


def _toml_value(text: str, at: int, path: Path, found: Spans, key: int | None) -> int:
    start = at
    if text[at] == "[":
        at = _items(
            text, at, _TOML_BLANK, "]", lambda here, index: _toml_value(text, here, (*path, index), found, None)
        )
    elif text[at] == "{":
        at = _items(text, at, _TOML_BLANK, "}", lambda here, _: _toml_entry(text, here, path, found))
    else:
        at = _end(_TOML_TEXT if text[at] in "\"'" else _TOML_BARE, text, at)
    found.values[path] = Span(start if key is None else key, start, at)
    return at


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found is not None else at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    if found is None:
        raise ValueError(f"cannot be read at offset {at}")
    return found.end()
