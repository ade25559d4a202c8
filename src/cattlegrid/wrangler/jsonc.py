"""JSON with comments and trailing commas, as wrangler accepts it, read by the standard library's scanner.

Comments and trailing commas are blanked out in place, so that line and column of a mistake stay true.
"""

from __future__ import annotations

import json
import re

_STRING = r'"(?:[^"\\\n]|\\.)*"'
_COMMENT = re.compile(_STRING + r"|(?P<blank>//[^\n]*|/\*.*?\*/)", re.DOTALL)
_TRAILING_COMMA = re.compile(_STRING + r"|(?P<blank>,(?=\s*[}\]]))", re.DOTALL)
_NOT_NEWLINE = re.compile(r"[^\n]")


def loads(text: str) -> object:
    """The value in `text`. Raises json.JSONDecodeError with the line and column in the original text."""
    text = text.removeprefix("\ufeff")
    if "//" in text or "/*" in text:
        text = _COMMENT.sub(_blank, text)
    if _TRAILING_COMMA.search(text):
        text = _TRAILING_COMMA.sub(_blank, text)
    return json.loads(text)


def _blank(found: re.Match[str]) -> str:
    return found[0] if found["blank"] is None else _NOT_NEWLINE.sub(" ", found[0])
