"""Lines of a text: where they begin and end, what stands above them, and one cut at a time."""

from __future__ import annotations

import re
from typing import Final

_BLANK_LINE: Final = re.compile(r"[ \t]*\r?\n")
_INDENT: Final = re.compile(r"[ \t]*")


def eol(text: str) -> str:
    """The text's own way to end a line: that of its first line."""
    at = text.find("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"


def start_of_line(text: str, at: int) -> int:
    start = text.rfind("\n", 0, at) + 1
    return 1 if start == 0 and text.startswith("\ufeff") else start


def end_of_line(text: str, at: int) -> int:
    """After the newline, or the end of the text."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def indent(text: str, at: int) -> str:
    """The white space that the line of `at` begins with."""
    found = _INDENT.match(text, start_of_line(text, at))
    return found[0] if found is not None else ""


def comments_above(text: str, line: int, *marks: str) -> int:
    """Where the unbroken comment lines directly above the line that starts at `line` begin; else `line`."""
    while line > 0:
        above = start_of_line(text, line - 1)
        if above >= line or not text[above:line].lstrip().startswith(marks):
            break
        line = above
    return line


def splice(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


def cut_lines(text: str, start: int, end: int) -> str:
    """Without the whole lines from `start` to `end`, and without the second of two blank lines that then meet."""
    before = text[:start]
    above_is_blank = not before.strip("\ufeff") or _BLANK_LINE.fullmatch(before, start_of_line(before, len(before) - 1))
    found = _BLANK_LINE.match(text, end)
    if above_is_blank and found is not None:
        end = found.end()
    return before + text[end:]


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Both from 1."""
    return text.count("\n", 0, at) + 1, at - start_of_line(text, at) + 1
