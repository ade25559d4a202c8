"""One step of change in a TOML text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from cattlegrid.wrangler.edit import lines
from cattlegrid.wrangler.edit.step import Add, Append, Member, Path, Remove, Replace, Step, Uneditable
from cattlegrid.wrangler.edit.toml_tree import Node, Section, Statement, Tree, find, place, read

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_ALONE: Final = re.compile(r"[ \t]*,?[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


def locate(text: str, path: Path) -> int:
    return place(read(text), path)


def apply(text: str, step: Step) -> str:
    """Raises Uneditable."""
    tree = read(text)
    if isinstance(step, Add):
        return _add(tree, step)
    node = find(tree, step.path)
    if node is None:
        raise Uneditable(f"{step.path} was not found")
    if isinstance(step, Append):
        return _append(tree, step, node)
    if isinstance(step, Remove):
        return _remove(tree, step, node)
    return _replace(tree, step, node)


def value(item: object) -> str:
    """The value as TOML on one line."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, Mapping):
        inner = ", ".join(f"{key(str(name))} = {value(held)}" for name, held in item.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(item, list):
        return f"[{', '.join(value(held) for held in item)}]"
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(item)


def key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else value(name)


def _dotted(path: Path) -> str:
    return ".".join(key(str(part)) for part in path)


def _replace(tree: Tree, step: Replace, node: Node) -> str:
    if not node.inline:
        raise Uneditable(f"{_dotted(step.path)} is written as sections")
    old = tree.text[node.start : node.end]
    new = value(step.value)
    if isinstance(step.value, str) and old[:1] == "'" != old[1:2] and not set(step.value) & set("'\n\r\t\x7f"):
        new = f"'{step.value}'"
    return lines.splice(tree.text, node.start, node.end, new)


def _append(tree: Tree, step: Append, node: Node) -> str:
    if node.inline and node.entries is not None:
        return _into_list(tree.text, node, value(step.value))
    if not isinstance(step.value, Mapping) or not node.entries:
        raise Uneditable(f"{_dotted(step.path)} is no list of tables")
    eol = lines.eol(tree.text)
    body = "".join(f"{key(str(name))} = {value(held)}{eol}" for name, held in step.value.items())
    end = max(one.end for one in node.everywhere())
    return _insert(tree.text, end, f"{eol}[[{_dotted(step.path)}]]{eol}{body}")


def _into_list(text: str, node: Node, new: str) -> str:
    entries = node.entries or []
    if not entries:
        return lines.splice(text, node.start, node.end, f"[{new}]")
    last = entries[-1]
    own_line = text[lines.start_of_line(text, last.start) : last.start].strip() == ""
    lead = lines.eol(text) + lines.indent(text, last.start) if own_line else " "
    return lines.splice(text, last.end, last.end, f",{lead}{new}")


def _remove(tree: Tree, step: Remove, node: Node) -> str:
    if node.inline and not node.places:
        return _remove_inline(tree, step.path)
    text = tree.text
    everywhere = list(node.everywhere())
    sections = [one for one in everywhere if isinstance(one, Section)]
    alone = [one for one in everywhere if isinstance(one, Statement) and one.section not in sections]
    going: list[Section | Statement] = [*sections, *alone]
    for one in sorted(going, key=lambda one: -one.start):
        start = lines.comments_above(text, one.start, "#") if step.with_comments else one.start
        text = lines.cut_lines(text, start, one.end)
    return text


def _remove_inline(tree: Tree, path: Path) -> str:
    parent = find(tree, path[:-1])
    if parent is None or not parent.inline:
        raise Uneditable(f"{_dotted(path)} is part of a dotted key")
    held = parent.entries if parent.entries is not None else list(parent.members.values())
    index = path[-1] if isinstance(path[-1], int) else list(parent.members).index(path[-1])
    spans = [(node.start if node.key_start < 0 else node.key_start, node.end) for node in held]
    start, end = spans[index]
    line = lines.start_of_line(tree.text, start)
    alone = _ALONE.match(tree.text, end)
    if parent.entries is not None and alone is not None and not tree.text[line:start].strip():
        return lines.splice(tree.text, line, alone.end(), "")
    if index + 1 < len(spans):
        return lines.splice(tree.text, start, spans[index + 1][0], "")
    return lines.splice(tree.text, spans[index - 1][1] if index else start, end, "")


def _add(tree: Tree, step: Add) -> str:
    node = find(tree, step.path)
    for depth in range(len(step.path), 0, -1):
        above = find(tree, step.path[:depth])
        if above is not None and above.inline:
            return _add_inline(tree, step, depth, above)
    statements, sections = _drawn(tree, step)
    text, eol = tree.text, lines.eol(tree.text)
    if node is None:
        header = f"[{_dotted(step.path)}]{eol}"
        return _insert(text, len(text), _block([header + statements, *sections], eol))
    own = [one for one in node.places if isinstance(one, Section)]
    everywhere = sorted(node.everywhere(), key=lambda one: one.start)
    end = _end_of_block(tree, everywhere) if step.path else len(text)
    text = _insert(text, end, _block(sections, eol)) if sections else text
    if not statements:
        return text
    if own:
        return _insert(text, own[0].end, statements)
    first = everywhere[0]
    if isinstance(first, Section):
        return _insert(text, first.start, f"[{_dotted(step.path)}]{eol}{statements}{eol}")
    return _insert(text, first.end, _with_prefix(statements, first, step.path))


def _end_of_block(tree: Tree, everywhere: list[Section | Statement]) -> int:
    """After the last section of the table; for one made by dotted keys, after the last section of the file."""
    sections = [one for one in everywhere if isinstance(one, Section)]
    return max((one.end for one in sections), default=len(tree.text))


def _with_prefix(statements: str, beside: Statement, path: Path) -> str:
    """For a table that dotted keys make: the statements as further dotted keys beside them."""
    prefix = _dotted(path[len(beside.section.path) :])
    return "".join(
        line if line.lstrip().startswith("#") or not line.strip() else f"{prefix}.{line.lstrip()}"
        for line in statements.splitlines(keepends=True)
    )


def _drawn(tree: Tree, step: Add) -> tuple[str, list[str]]:
    """The members as statements, and as whole sections with their headers."""
    statements, sections = "", []
    for member in step.members:
        node = find(tree, member.source) if member.source is not None and len(member.source) == 1 else None
        if node is None:
            statements += f"{key(member.key)} = {value(member.value)}{lines.eol(tree.text)}"
            continue
        for one in sorted(node.everywhere(), key=lambda one: one.start):
            if isinstance(one, Section):
                sections.append(_copied_section(tree.text, one, step.path, member))
            elif not one.section.path:
                statements += _copied(tree.text, one.start, one.end, member)
    return statements, sections


def _copied(text: str, start: int, end: int, member: Member) -> str:
    start = lines.comments_above(text, start, "#") if member.moved else start
    copied = text[start:end]
    return copied if copied.endswith("\n") else copied + lines.eol(text)


def _copied_section(text: str, section: Section, path: Path, member: Member) -> str:
    above = lines.comments_above(text, section.start, "#") if member.moved else section.start
    prefix = f"{_dotted(path)}." if path else ""
    copied = text[above : section.keys_start] + prefix + text[section.keys_start : section.end]
    return copied if copied.endswith("\n") else copied + lines.eol(text)


def _block(parts: list[str], eol: str) -> str:
    return "".join(f"{eol}{part}" for part in parts if part)


def _insert(text: str, at: int, new: str) -> str:
    """Whole lines at a line's start, or behind a last line that has no newline: the last one then has none either."""
    if at and text[at - 1] not in "\n\ufeff":
        eol = lines.eol(text)
        new = f"{eol}{new.removesuffix(eol)}"
    return lines.splice(text, at, at, new)


def _add_inline(tree: Tree, step: Add, depth: int, node: Node) -> str:
    held: object = {member.key: member.value for member in step.members}
    for part in reversed(step.path[depth:]):
        held = {str(part): held}
    if node.entries is not None or not isinstance(held, dict):
        raise Uneditable(f"{_dotted(step.path)} is inside a list")
    new = ", ".join(f"{key(name)} = {value(item)}" for name, item in held.items())
    if not node.members:
        return lines.splice(tree.text, node.start, node.end, f"{{ {new} }}")
    end = max(member.end for member in node.members.values())
    return lines.splice(tree.text, end, end, f", {new}")
