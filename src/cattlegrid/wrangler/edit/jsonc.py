"""One step of change in a JSON text, with comments and trailing commas where it has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cattlegrid.wrangler.edit import lines
from cattlegrid.wrangler.edit.step import Add, Append, Member, Path, Remove, Step, Uneditable

_BLANK: Final = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_BARE: Final = re.compile(r"[^\s,\]}/]+")
_AFTER: Final = re.compile(r"[ \t]*(?P<comma>,?)(?:[ \t]|/\*[^\n]*?\*/)*(?://[^\n]*)?(?P<end>\r?\n|\Z)")
# Atomic: a comma inside a comment is none.
_COMMA: Final = re.compile(r"(?>\s+|//[^\n]*|/\*.*?\*/)*+,", re.DOTALL)
_MARKS: Final = ("//", "/*", "*", "*/")


@dataclass(eq=False)
class Node:
    """`members` of an object, `entries` of a list; neither for a scalar. `key_start` where the member begins."""

    start: int
    end: int = -1
    members: dict[str, Node] | None = None
    entries: list[Node] | None = None
    key_start: int = -1
    held: list[Node] = field(default_factory=list)

    @property
    def begin(self) -> int:
        return self.start if self.key_start < 0 else self.key_start


def read(text: str) -> Node:
    """The text must be valid: it is not checked again here."""
    return _Reader(text).value()


def locate(text: str, path: Path) -> int:
    node = read(text)
    for part in path:
        child = _child(node, part)
        if child is None:
            break
        node = child
    return node.begin


def apply(text: str, step: Step) -> str:
    """Raises Uneditable."""
    root = read(text)
    if isinstance(step, Add):
        return _add(text, root, step)
    node = _find(root, step.path)
    if isinstance(step, Append):
        if node.entries is None:
            raise Uneditable(f"{step.path} is no list")
        return _into(text, node, _drawn(step.value, _Style(text, node).inner, _Style(text, node).unit))
    if isinstance(step, Remove):
        return _remove(text, root, step, node)
    style = _Style(text, node)
    return lines.splice(text, node.start, node.end, _drawn(step.value, lines.indent(text, node.start), style.unit))


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(part, int):
        return node.entries[part] if node.entries is not None and part < len(node.entries) else None
    return (node.members or {}).get(part)


def _find(root: Node, path: Path) -> Node:
    node = root
    for part in path:
        child = _child(node, part)
        if child is None:
            raise Uneditable(f"{path} was not found")
        node = child
    return node


class _Style:
    """How the lines of an object or list are indented."""

    def __init__(self, text: str, node: Node) -> None:
        first = node.held[0] if node.held else None
        self.outer = lines.indent(text, node.start)
        self.many = first is not None and "\n" in text[node.start : first.begin]
        own = lines.indent(text, first.begin) if first is not None and self.many else ""
        self.unit = own.removeprefix(self.outer) if own.startswith(self.outer) and own != self.outer else _unit(text)
        self.inner = own or self.outer + self.unit


def _unit(text: str) -> str:
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found is not None else "  "


def _drawn(value: object, indent: str, unit: str) -> str:
    """The value over several lines, the first without indentation."""
    return json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", "\n" + indent)


def _add(text: str, root: Node, step: Add) -> str:
    node, depth = root, 0
    while depth < len(step.path) and (child := _child(node, step.path[depth])) is not None:
        node, depth = child, depth + 1
    missing = step.path[depth:]
    if node.members is None:
        raise Uneditable(f"{step.path} is inside something that is no object")
    style = _Style(text, node)
    inner = style.inner + style.unit * len(missing)
    new = [_member(text, root, member, inner, style.unit) for member in step.members]
    for part in reversed(missing):
        outer = inner.removesuffix(style.unit)
        body = f",\n{inner}".join(new)
        new = [f"{json.dumps(part)}: {{\n{inner}{body}\n{outer}}}"]
        inner = outer
    for one in new:
        text = _into(text, _find(read(text), step.path[:depth]), one)
    return text


def _member(text: str, root: Node, member: Member, indent: str, unit: str) -> str:
    name = f"{json.dumps(member.key, ensure_ascii=False)}: "
    if member.source is None:
        return name + _drawn(member.value, indent, unit)
    node = _find(root, member.source)
    old = lines.indent(text, node.begin)
    copied = name + _moved(text[node.start : node.end], old, indent)
    if not member.moved:
        return copied
    line = lines.start_of_line(text, node.begin)
    above = text[lines.comments_above(text, line, *_MARKS) : line] if not text[line : node.begin].strip() else ""
    above = _moved(above.removeprefix(old), old, indent) + indent if above else ""
    return above + copied + _beside(text, node)


def _beside(text: str, node: Node) -> str:
    """A comment on the value's last line, as one that does not end the line."""
    found = _AFTER.match(text, node.end)
    said = found[0].strip().lstrip(",").strip() if found is not None else ""
    if not said:
        return ""
    return f" {said}" if said.startswith("/*") else f" /* {said.removeprefix('//').strip()} */"


def _moved(text: str, old: str, new: str) -> str:
    """Lines that were indented by `old`, indented by `new`. The text begins in the middle of a line."""
    first, *rest = text.replace("\r\n", "\n").split("\n")
    moved = [new + line.removeprefix(old) if line.strip() and line.startswith(old) else line for line in rest]
    return "\n".join([first, *moved])


def _into(text: str, node: Node, new: str) -> str:
    """A new last member or entry. It gets a trailing comma when the one before it had one."""
    eol = lines.eol(text)
    style = _Style(text, node)
    opening, closing = text[node.start], text[node.end - 1]
    if not node.held:
        if node.end - node.start > 2 and text[node.start + 1 : node.end - 1].strip():
            at = node.end - 1
            line = lines.start_of_line(text, at)
            return lines.splice(text, line, line, f"{style.inner}{new}{eol}".replace("\n", eol).replace("\r\r", "\r"))
        made = f"{opening}\n{style.inner}{new}\n{style.outer}{closing}"
        return lines.splice(text, node.start, node.end, made.replace("\n", eol))
    last = node.held[-1]
    comma = _COMMA.match(text, last.end)
    trailing = "," if comma is not None else ""
    if not style.many:
        new = re.sub(r"\s*\n\s*", " ", new) if "//" not in new else new.replace("\n", eol)
        at = comma.end() if comma is not None else last.end
        return lines.splice(text, at, at, f"{'' if trailing else ','} {new}{trailing}")
    new = new.replace("\n", eol)
    if comma is None:
        text = lines.splice(text, last.end, last.end, ",")
    at = comma.end() if comma is not None else last.end + 1
    end = _line_end_inside(text, at, node.end + (comma is None) - 1)
    return lines.splice(text, end, end, f"{eol}{style.inner}{new}{trailing}")


def _line_end_inside(text: str, at: int, closing: int) -> int:
    """The end of the line of `at`, comment included and line break not; `at` itself when the object closes there."""
    found = _AFTER.match(text, at)
    if found is None or found.start("end") > closing:
        return at
    return found.start("end")


def _remove(text: str, root: Node, step: Remove, node: Node) -> str:
    parent = _find(root, step.path[:-1])
    index = parent.held.index(node)
    comma = _COMMA.match(text, node.end)
    if comma is None and index:
        # The last one goes: the one before it is now the last, and loses its comma.
        before = _COMMA.match(text, parent.held[index - 1].end)
        if before is not None:
            text = lines.splice(text, before.end() - 1, before.end(), "")
            if not text[before.end() - 1 : node.begin - 1].strip(" \t"):
                return lines.splice(text, before.end() - 1, node.end - 1, "")
            return _remove_span(text, node.begin - 1, node.end - 1, step)
    return _remove_span(text, node.begin, node.end, step)


def _remove_span(text: str, start: int, end: int, step: Remove) -> str:
    line = lines.start_of_line(text, start)
    after = _AFTER.match(text, end)
    if not text[line:start].strip() and after is not None:
        above = lines.comments_above(text, line, *_MARKS) if step.with_comments else line
        return lines.cut_lines(text, above, after.end())
    comma = _COMMA.match(text, end)
    end = comma.end() if comma is not None else end
    while text[end : end + 1] in {" ", "\t"} and comma is not None:
        end += 1
    return lines.splice(text, start, end, "")


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith("\ufeff") else 0

    def value(self) -> Node:
        self._blank()
        node = Node(self._at)
        opening = self._text[self._at]
        if opening == "{":
            node.members = {}
            self._each("}", lambda: self._member(node))
        elif opening == "[":
            node.entries = []
            self._each("]", lambda: self._entry(node))
        else:
            found = (_STRING if opening == '"' else _BARE).match(self._text, self._at)
            self._at = found.end() if found is not None else self._at + 1
        node.end = self._at
        return node

    def _blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found is not None else self._at

    def _each(self, closing: str, one: Callable[[], None]) -> None:
        self._at += 1
        self._blank()
        while self._text[self._at] != closing:
            one()
            self._blank()
            if self._text[self._at] == ",":
                self._at += 1
                self._blank()
        self._at += 1

    def _member(self, node: Node) -> None:
        key_start = self._at
        found = _STRING.match(self._text, self._at)
        key = str(json.loads(found[0])) if found is not None else ""
        self._at += len(found[0]) if found is not None else 1
        self._blank()
        self._at += 1  # the colon
        child = self.value()
        child.key_start = key_start
        if node.members is not None:
            node.members[key] = child
        node.held.append(child)

    def _entry(self, node: Node) -> None:
        child = self.value()
        if node.entries is not None:
            node.entries.append(child)
        node.held.append(child)
