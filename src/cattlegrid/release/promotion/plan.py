"""What a promotion is going to do, as data: production as it is, the candidate, and each step between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.stamp import DIGITS, Digests, Stamp
from cattlegrid.model.target import Deployable
from cattlegrid.release import digests
from cattlegrid.release.deploy.plan import DatabaseStep
from cattlegrid.release.live import Live
from cattlegrid.release.promotion.candidate import Part
from cattlegrid.release.promotion.marks import Mark
from cattlegrid.secrets.push import PushPlan

_CALLS_AT_ALL: Final = 20
_CALLS_EACH: Final = 45


class How(StrEnum):
    """`AHEAD`: tried at 0 % first. `DIRECT`: live at once, as 0 % is impossible. `FINISH`: live, its end unproven."""

    AHEAD = "at 0 % first"
    DIRECT = "live at once"
    FINISH = "to be finished"


@dataclass(frozen=True)
class PromotionStep:
    """One worker: from `before` (what production runs) to `stamp`, with the bytes of `part`'s version in staging.

    `uploaded` is a version that an interrupted promotion left in production, to be used again; `because` says why 0 %
    is impossible; `good` is the version that was last verified in production, empty for none. `over` is the deployment
    that stands in production, and the only one that may be replaced.
    """

    worker: str
    script: str
    part: Part
    stamp: Stamp
    before: Stamp | None
    before_version: str
    how: How
    because: str
    uploaded: str
    secrets: PushPlan
    good: str = ""
    over: str = ""


@dataclass(frozen=True)
class PromotionPlan:
    """`staging` and `production` are the live versions it was made from; `conditions` open or close the gate, by
    the `rules` in force.
    """

    release: str
    rules: str
    conditions: tuple[Check, ...]
    databases: tuple[DatabaseStep, ...]
    steps: tuple[PromotionStep, ...]
    unchanged: tuple[str, ...]
    staging: Mapping[str, str]
    production: Mapping[str, str]

    @property
    def calls(self) -> int:
        """About how many calls of Cloudflare's API running it makes, wrangler's too: measured, and rounded up."""
        return _CALLS_AT_ALL + _CALLS_EACH * len(self.steps)

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(condition.outcome for condition in self.conditions)

    @property
    def empty(self) -> bool:
        """Production runs already what every worker of staging runs. A worker that is no candidate is not that."""
        return len(self.unchanged) == len(self.staging) and not self.databases


def production_stamp(part: Part, deployable: Deployable) -> Stamp:
    """The stamp of the candidate's bytes with production's configuration of the same commit."""
    of_staging = part.stamp.digests
    config = digests.config(deployable)[:DIGITS]
    return Stamp(part.stamp.commit, Digests(of_staging.inputs, of_staging.code, config, of_staging.schema))


@dataclass(frozen=True)
class Around:
    """What else decides about a worker's step: the newest version uploaded, and the Durable Object migration tag."""

    live: Live
    newest_version: str
    newest_message: str
    migration_tag: str | None
    secrets: PushPlan
    good: str = ""


def step(part: Part, deployable: Deployable, around: Around, mark: Mark | None) -> PromotionStep | None:
    """The step for one worker; None when production runs exactly this and has proven it."""
    stamp, live = production_stamp(part, deployable), around.live
    same = live.stamp is not None and live.drift is None and equal(live.stamp, stamp)
    if same and not _interrupted(mark):
        return None
    how, because = _how(deployable, around, same=same)
    again = around.newest_message == stamp.message and how is How.AHEAD
    return PromotionStep(
        worker=part.worker,
        script=deployable.script,
        part=part,
        stamp=stamp,
        before=live.stamp,
        before_version=live.version_id,
        how=how,
        because=because,
        uploaded=around.newest_version if again else "",
        secrets=around.secrets,
        good=around.good,
        over=live.deployment.id if live.deployment is not None else "",
    )


def equal(one: Stamp, other: Stamp) -> bool:
    """Whether two versions are the same in code, configuration and schema. Inputs may differ without an effect."""
    mine, theirs = one.digests, other.digests
    pairs = ((mine.code, theirs.code), (mine.config, theirs.config), (mine.schema, theirs.schema))
    return all(here[:DIGITS] == there[:DIGITS] for here, there in pairs)


def _interrupted(mark: Mark | None) -> bool:
    return mark is not None and not mark.proven


def _how(deployable: Deployable, around: Around, *, same: bool) -> tuple[How, str]:
    if same:
        return How.FINISH, ""
    if around.live.version is None:
        return How.DIRECT, "it is the first deploy of this script"
    tags = [str(entry.get("tag")) for entry in _migrations(deployable)]
    if tags and around.migration_tag != tags[-1]:
        return How.DIRECT, f"it carries the Durable Object migration {tags[-1]}"
    return How.AHEAD, ""


def _migrations(deployable: Deployable) -> list[Mapping[str, object]]:
    found = deployable.config.get("migrations")
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
