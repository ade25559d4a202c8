"""The stamp: which commit and which content a version is, written into the version's own annotations.

The message holds `cattlegrid/1 <commit> in=… code=… cfg=… mig=…` (Cloudflare allows 100 bytes), the tag the short
commit (25 characters). Digests are the first 12 hex digits of a SHA-256, the commit its first 16.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DIGITS: Final = 12
COMMIT_DIGITS: Final = 16
MESSAGE_BYTES: Final = 100
TAG_CHARACTERS: Final = 25

_STAMP = re.compile(
    r"cattlegrid/1 (?P<commit>[0-9a-f]{7,40})(?P<dirty>\+?)"
    r" in=(?P<inputs>[0-9a-f]{12}) code=(?P<code>[0-9a-f]{12})"
    r" cfg=(?P<config>[0-9a-f]{12}) mig=(?P<schema>[0-9a-f]{12})"
)


@dataclass(frozen=True)
class Digests:
    """What a version is made of: cheap `inputs` from git, and the truth: `code`, `config` and `schema`."""

    inputs: str
    code: str
    config: str
    schema: str


@dataclass(frozen=True)
class Stamp:
    """`commit` is a prefix of the commit's id; `dirty` says that files were changed and not committed."""

    commit: str
    digests: Digests
    dirty: bool = False

    @property
    def message(self) -> str:
        d = self.digests
        mark = "+" if self.dirty else ""
        return (
            f"cattlegrid/1 {self.commit[:COMMIT_DIGITS]}{mark} in={d.inputs[:DIGITS]} code={d.code[:DIGITS]}"
            f" cfg={d.config[:DIGITS]} mig={d.schema[:DIGITS]}"
        )

    @property
    def tag(self) -> str:
        return self.commit[:DIGITS] + ("-dirty" if self.dirty else "")

    @classmethod
    def read(cls, message: str | None) -> Stamp | None:
        """The stamp in a version's message, or None when it holds none of ours."""
        found = _STAMP.fullmatch(message or "")
        if found is None:
            return None
        digests = Digests(found["inputs"], found["code"], found["config"], found["schema"])
        return cls(found["commit"], digests, dirty=bool(found["dirty"]))
