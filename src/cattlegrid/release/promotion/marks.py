"""Where a promotion stands, written into the deployments that it makes: Cloudflare is the only record.

`cattlegrid/1 <stage> <release>`: *ahead* (the new version at 0 %), *live* (switched, not yet proven), *verified*,
*returned* (switched back after a failure), *held* (rolled back; promotions are refused until somebody lifts it).

Cloudflare shows the newest ten deployments of a script only, so each mark carries ` last=<version>`: behind *verified*
and *held* the version that was verified before this one, behind the others the one that is verified.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Stage = Literal["ahead", "live", "verified", "returned", "held"]

_STAGES: Final[dict[str, Stage]] = {stage: stage for stage in get_args(Stage)}
_MARK: Final = re.compile(rf"cattlegrid/1 ({'|'.join(_STAGES)}) ([0-9a-f]{{12}})(?: last=([0-9a-f-]{{32,36}}))?")
_GOOD: Final = frozenset({"verified", "held"})


@dataclass(frozen=True)
class Mark:
    """`last` is empty when no version was verified before."""

    stage: Stage
    release: str
    last: str = ""

    @property
    def message(self) -> str:
        return f"cattlegrid/1 {self.stage} {self.release}" + (f" last={self.last}" if self.last else "")

    @property
    def proven(self) -> bool:
        """Whether the version that it is on was verified in production."""
        return self.stage in _GOOD


def read(message: str) -> Mark | None:
    """The mark in a deployment's message, or None when a promotion did not write it."""
    found = _MARK.fullmatch(message)
    return Mark(_STAGES[found[1]], found[2], found[3] or "") if found is not None else None
