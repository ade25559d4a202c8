"""JSON with comments and trailing commas, as wrangler accepts it, read by the standard library's scanner.

Comments and trailing commas are blanked out in place, so that line and column of a mistake stay true.
"""

from __future__ import annotations

import json
import re

# What lies before is taken in one piece, strings whole, so that Python is asked once a comment and not once a string.
_BEFORE = r'(?P<before>(?:[^"/,]++|"(?:[^"\\\n]++|\\.)*+"|(?!%s)["/,])*+)'
_COMMENT = re.compile(_BEFORE % r"//|/\*" + r"(?P<blank>//[^\n]*+|/\*.*?\*/)", re.DOTALL)
_TRAILING_COMMA = re.compile(_BEFORE % r",\s*[}\]]" + r"(?P<blank>,)", re.DOTALL)
_NOT_NEWLINE = re.compile(r"[^\n]")


def loads(text: str) -> object:
    """The value in `text`. Raises json.JSONDecodeError with the line and column in the original text."""
    text = text.removeprefix("\ufeff")
    if "//" in text or "/*" in text:
        text = _blanked(_COMMENT, text)
    return json.loads(_blanked(_TRAILING_COMMA, text))


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """One after the other from the start: what begins inside a string, or after a mistake, is none."""
    parts: list[str] = []
    at = 0
    while (found := pattern.match(text, at)) is not None:
        parts += (found["before"], _NOT_NEWLINE.sub(" ", found["blank"]))
        at = found.end()
    return "".join((*parts, text[at:]))
