"""Where a promotion stands, written into the deployments that it makes: Cloudflare is the only record.

`cattlegrid/1 <stage> <release>`: *ahead* (the new version at 0 %), *live* (switched, not yet proven), *verified*,
*returned* (switched back after a failure), *held* (rolled back; promotions are refused until somebody lifts it).

Cloudflare shows the newest ten deployments of a script only, so each mark carries ` last=<version>`: behind *verified*
and *held* the version that was verified before this one, behind the others the one that is verified. While a promotion
is under way its marks say ` by=<clone>`, so that another clone can tell it from one of its own that was killed. A
verified one says ` checks=<gate>+<smoke>`: how many conditions, and how many checks in production, had passed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Stage = Literal["ahead", "live", "verified", "returned", "held"]

_STAGES: Final[dict[str, Stage]] = {stage: stage for stage in get_args(Stage)}
_MARK: Final = re.compile(
    rf"cattlegrid/1 ({'|'.join(_STAGES)}) ([0-9a-f]{{12}})(?: last=([0-9a-f-]{{32,36}}))?"
    r"(?: by=([0-9a-f]{8}))?(?: checks=([0-9]{1,4})\+([0-9]{1,6}))?"
)
_GOOD: Final = frozenset({"verified", "held"})


@dataclass(frozen=True)
class Mark:
    """`last` is empty when no version was verified before, `by` when it does not say which clone promotes.

    `checks` are how many conditions of the gate and how many checks in production had passed; None for nothing said.
    """

    stage: Stage
    release: str
    last: str = ""
    by: str = ""
    checks: tuple[int, int] | None = None

    @property
    def message(self) -> str:
        last = f" last={self.last}" if self.last else ""
        by = f" by={self.by}" if self.by else ""
        checks = f" checks={self.checks[0]}+{self.checks[1]}" if self.checks else ""
        return f"cattlegrid/1 {self.stage} {self.release}{last}{by}{checks}"

    @property
    def proven(self) -> bool:
        """Whether the version that it is on was verified in production."""
        return self.stage in _GOOD


def read(message: str) -> Mark | None:
    """The mark in a deployment's message, or None when a promotion did not write it."""
    found = _MARK.fullmatch(message)
    if found is None:
        return None
    checks = (int(found[5]), int(found[6])) if found[5] else None
    return Mark(_STAGES[found[1]], found[2], found[3] or "", found[4] or "", checks)
