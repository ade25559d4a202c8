"""Where everything stands in a TOML text: statements in file order, and the tree of tables that they make.

The text must be valid (tomllib has read it): nothing is checked again here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cattlegrid.wrangler.edit.step import Path

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}' + r"|'''(?:[^']|'(?!''))*'{3,5}" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE: Final = re.compile(r"[^,\]}#\r\n]+")
_REST: Final = re.compile(r"[^\n]*\n?")


@dataclass(eq=False)
class Node:
    """A value as it stands in the text, from `start` to `end`; or a table made by headers and dotted keys, which has
    `places` instead: the statements that make it, in file order. `entries` of a list of tables are such tables.
    """

    start: int = -1
    end: int = -1
    members: dict[str, Node] = field(default_factory=dict)
    entries: list[Node] | None = None
    places: list[Section | Statement] = field(default_factory=list)
    key_start: int = -1

    @property
    def inline(self) -> bool:
        return self.start >= 0

    def everywhere(self) -> Iterator[Section | Statement]:
        """The statements of this table and of everything in it."""
        yield from self.places
        for child in (*self.members.values(), *(self.entries or ())):
            yield from child.everywhere()


@dataclass(eq=False)
class Statement:
    """`key = value`, with its line: `start` to `end`, the newline included. `keys` as written, dots divided."""

    keys: tuple[str, ...]
    start: int
    key_start: int
    end: int
    section: Section
    node: Node


@dataclass(eq=False)
class Section:
    """A header with the statements under it. The root is one without a header: `start` equals `body`."""

    path: tuple[str, ...]
    start: int
    keys_start: int
    body: int
    statements: list[Statement] = field(default_factory=list)

    @property
    def end(self) -> int:
        """After the last statement: comments that follow belong to what comes next."""
        return self.statements[-1].end if self.statements else self.body


@dataclass
class Tree:
    text: str
    root: Node
    sections: list[Section]


def read(text: str) -> Tree:
    return _Reader(text).tree()


def find(tree: Tree, path: Path) -> Node | None:
    node = tree.root
    for part in path:
        if isinstance(part, int):
            if node.entries is None or part >= len(node.entries):
                return None
            node = node.entries[part]
        elif part in node.members:
            node = node.members[part]
        else:
            return None
    return node


def place(tree: Tree, path: Path) -> int:
    """The offset at which a person looks for this path: its key, its header, or what is nearest above it."""
    for length in range(len(path), 0, -1):
        node = find(tree, path[:length])
        if node is None:
            continue
        if node.inline:
            return node.key_start if node.key_start >= 0 else node.start
        for one in sorted(node.everywhere(), key=lambda one: one.start):
            return one.keys_start if isinstance(one, Section) else one.key_start
    return 0


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith("\ufeff") else 0
        self._root = Node()
        self._section = Section((), self._at, self._at, self._at)
        self._root.places.append(self._section)
        self._sections = [self._section]
        self._table = self._root

    def tree(self) -> Tree:
        while self._skip(_BLANK) < len(self._text):
            if self._text[self._at] == "[":
                self._header()
            else:
                self._statement()
        return Tree(self._text, self._root, self._sections)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found is not None else self._at
        return self._at

    def _line_start(self) -> int:
        start = self._text.rfind("\n", 0, self._at) + 1
        return 1 if start == 0 and self._text.startswith("\ufeff") else start

    def _header(self) -> None:
        start = self._line_start()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        keys_start = self._skip(_SPACE)
        path = self._keys()
        self._skip(_REST)
        self._section = Section(path, start, keys_start, self._at)
        self._sections.append(self._section)
        parent = self._walk(self._root, path[:-1])
        node = parent.members.setdefault(path[-1], Node())
        if many:
            node.entries = node.entries or []
            node.entries.append(Node())
            node = node.entries[-1]
        node.places.append(self._section)
        self._table = node

    def _statement(self) -> None:
        start, key_start = self._line_start(), self._at
        keys = self._keys()
        self._equals()
        node = self._value()
        node.key_start = key_start
        self._skip(_REST)
        statement = Statement(keys, start, key_start, self._at, self._section, node)
        self._section.statements.append(statement)
        self._walk(self._table, keys[:-1]).members[keys[-1]] = node
        node.places.append(statement)

    def _walk(self, node: Node, keys: tuple[str, ...]) -> Node:
        for key in keys:
            node = node.members.setdefault(key, Node())
            if node.entries:
                node = node.entries[-1]
        return node

    def _keys(self) -> tuple[str, ...]:
        keys = []
        while True:
            found = _KEY.match(self._text, self._at)
            raw = found[0] if found is not None else ""
            self._at += len(raw)
            keys.append(str(tomllib.loads(f"x = {raw}")["x"]) if raw[:1] in {'"', "'"} else raw)
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(keys)
            self._at += 1
            self._skip(_SPACE)

    def _equals(self) -> None:
        self._at = self._text.index("=", self._at) + 1
        self._skip(_SPACE)

    def _value(self) -> Node:
        start = self._at
        opening = self._text[start]
        if opening == "[":
            return self._list(start)
        if opening == "{":
            return self._inline_table(start)
        found = (_STRING if opening in "\"'" else _BARE).match(self._text, start)
        raw = found[0].rstrip() if found is not None else ""
        self._at = start + len(raw)
        return Node(start, self._at)

    def _list(self, start: int) -> Node:
        self._at += 1
        entries = []
        while self._text[self._skip(_BLANK)] != "]":
            entries.append(self._value())
            if self._text[self._skip(_BLANK)] == ",":
                self._at += 1
        self._at += 1
        return Node(start, self._at, entries=entries)

    def _inline_table(self, start: int) -> Node:
        self._at += 1
        made = Node(start)
        while self._text[self._skip(_BLANK)] != "}":
            key_start = self._at
            keys = self._keys()
            self._equals()
            node = self._value()
            node.key_start = key_start
            inner = made
            for key in keys[:-1]:
                inner = inner.members.setdefault(key, Node(key_start, node.end))
            inner.members[keys[-1]] = node
            if self._text[self._skip(_BLANK)] == ",":
                self._at += 1
        self._at += 1
        made.end = self._at
        return made
