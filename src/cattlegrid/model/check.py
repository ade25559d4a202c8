"""Pass, fail, not measured. What was not measured never counts as passed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    NOT_MEASURED = "not measured"

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """The verdict over several: one failure fails; nothing at all, or one gap, is not measured."""
        seen = set(outcomes)
        if cls.FAIL in seen:
            return cls.FAIL
        return cls.PASS if seen == {cls.PASS} else cls.NOT_MEASURED

    @property
    def exit_code(self) -> int:
        return {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.NOT_MEASURED: 4}[self]


@dataclass(frozen=True)
class Check:
    """One thing examined: `name` in a person's words, `worker` it belongs to, `detail` what was seen."""

    name: str
    outcome: Outcome
    detail: str = ""
    worker: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class SmokeReport:
    """What was examined and what came out. `workers`, `databases` and `bindings` count what was really looked at."""

    environment: Environment
    checks: tuple[Check, ...]
    workers: int
    databases: int
    bindings: int
    seconds: float

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(check.outcome for check in self.checks)

    @property
    def examined(self) -> str:
        named = {
            "worker": self.workers,
            "database": self.databases,
            "check": len(self.checks),
            "binding": self.bindings,
        }
        return ", ".join(count(number, what) for what, number in named.items())
