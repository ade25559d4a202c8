"""Where a promotion stands, written into the deployments that it makes: Cloudflare is the only record.

`cattlegrid/1 <stage> <release>`: *ahead* (the new version at 0 %), *live* (switched, not yet proven), *verified*,
*returned* (switched back after a failure).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Stage = Literal["ahead", "live", "verified", "returned"]

_MARK: Final = re.compile(r"cattlegrid/1 (ahead|live|verified|returned) ([0-9a-f]{12})")


@dataclass(frozen=True)
class Mark:
    stage: Stage
    release: str

    @property
    def message(self) -> str:
        return f"cattlegrid/1 {self.stage} {self.release}"


def read(message: str) -> Mark | None:
    """The mark in a deployment's message, or None when a promotion did not write it."""
    found = _MARK.fullmatch(message)
    stages: dict[str, Stage] = {"ahead": "ahead", "live": "live", "verified": "verified", "returned": "returned"}
    return Mark(stages[found[1]], found[2]) if found is not None else None
