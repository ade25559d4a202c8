"""What `check` finds: a rule, a place in a file, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cattlegrid.model.check import Outcome


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Rule:
    """`code` is stable, `says` is what is wrong when the rule is broken."""

    code: str
    name: str
    severity: Severity
    says: str


@dataclass(frozen=True)
class Finding:
    """`file` is relative to the fleet's root; `line` and `column` from 1. `ignored` is the reason given for ignoring
    it; empty: it counts.
    """

    rule: Rule
    file: str
    line: int
    column: int
    what: str
    fix: str
    worker: str = ""
    ignored: str = ""


@dataclass(frozen=True)
class Checked:
    """`files` counts what was read, `live` the bindings that were read from Cloudflare. `not_measured` says why not."""

    findings: tuple[Finding, ...]
    workers: int
    files: int
    live: int = 0
    not_measured: str = ""

    @property
    def outcome(self) -> Outcome:
        """An error fails; warnings do not. Nothing examined, or less than asked, is not measured."""
        if any(one.rule.severity is Severity.ERROR and not one.ignored for one in self.findings):
            return Outcome.FAIL
        return Outcome.NOT_MEASURED if self.not_measured or not self.workers else Outcome.PASS
