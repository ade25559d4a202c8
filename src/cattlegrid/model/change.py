"""The decision about one worker: is what is here the same as what is live of it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cattlegrid.model.stamp import Stamp


class Verdict(StrEnum):
    """Only UNCHANGED needs no deploy. UNKNOWN and DRIFTED go to staging and are refused for production."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    NEW = "new"
    UNKNOWN = "unknown"
    DRIFTED = "drifted"


@dataclass(frozen=True)
class Reason:
    """`about` is code, config, schema, inputs, commit, build or live; `what` is for a person."""

    about: str
    what: str


@dataclass(frozen=True)
class ChangedFile:
    """`how`: added, modified, deleted, uncommitted, or versions of a package; `because`: why it is the worker's."""

    path: str
    how: str
    because: str


@dataclass(frozen=True)
class LiveVersion:
    """What is live, in plain text: `since` is an ISO date, `commit` the stamp's prefix (empty without a stamp)."""

    version: str
    since: str
    by: str
    commit: str
    dirty: bool


@dataclass(frozen=True)
class Change:
    """The decision about one worker. `notes` do not decide, but a person should know them.

    `now` holds no code digest unless the worker was built. `files` are empty when git no longer has the live commit.
    """

    worker: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    now: Stamp
    live: LiveVersion | None = None
    files: tuple[ChangedFile, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def built(self) -> bool:
        return bool(self.now.digests.code)

    @property
    def why(self) -> str:
        """The reasons in one line."""
        return "; ".join(reason.what for reason in self.reasons)


@dataclass(frozen=True)
class Changes:
    """The report on a fleet. `environment` is empty when a commit, `base`, was compared with; `dirty` are the
    uncommitted files that were seen.

    `dataclasses.asdict` gives the JSON form: text, numbers, true and false, lists and objects only.
    """

    environment: str
    base: str
    commit: str
    dirty: tuple[str, ...]
    workers: tuple[Change, ...]

    @property
    def changed(self) -> tuple[str, ...]:
        """The workers that would be deployed: all but the unchanged."""
        return tuple(change.worker for change in self.workers if change.verdict is not Verdict.UNCHANGED)


@dataclass(frozen=True)
class Why:
    """The decision about one worker, in full. `inputs` are (path, why it belongs to the worker)."""

    environment: str
    commit: str
    change: Change
    inputs: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
