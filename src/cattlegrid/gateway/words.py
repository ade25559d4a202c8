"""A worker's words are data: shortened, and without control or invisible characters."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 4000
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def plain(text: object) -> str:
    """Empty for what is no text."""
    return _CONTROL.sub("", text)[:_LONGEST] if isinstance(text, str) else ""
