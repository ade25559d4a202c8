"""A promotion under way: what it needs, what has happened so far, and what it says in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cattlegrid.cloudflare import deployments
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import CattlegridError
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.target import Deployable, Target
from cattlegrid.model.version import Deployment
from cattlegrid.release.promotion import turn
from cattlegrid.release.promotion.marks import Mark, Stage
from cattlegrid.release.promotion.plan import PromotionPlan, PromotionStep
from cattlegrid.release.promotion.turn import Stands
from cattlegrid.release.promotion.upload import Carrier
from cattlegrid.release.promotion.verified import serving
from cattlegrid.release.smoke.run import Surroundings

PRODUCTION: Final = Environment.PRODUCTION

Done = TypeVar("Done")


@dataclass(frozen=True)
class Bookmark:
    """Where a database can be returned to. `bookmark` is empty when Time Travel gave none, and `detail` says why."""

    database: str
    bookmark: str
    detail: str = ""

    @property
    def restore(self) -> str:
        return f"wrangler d1 time-travel restore {self.database} --bookmark={self.bookmark}" if self.bookmark else ""


@dataclass(frozen=True)
class Promoted:
    """What a promotion did. `live` is what production runs now; `returned` are workers that were switched back.

    `problem` says what stopped it; empty when the release is verified.
    """

    bookmarks: tuple[Bookmark, ...] = ()
    migrated: tuple[str, ...] = ()
    ahead: SmokeReport | None = None
    after: SmokeReport | None = None
    switched: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    live: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    next: str = ""
    outcome: Outcome = Outcome.PASS


@dataclass(frozen=True)
class Journey:
    """What running needs: where to (`target`, its workers as the candidate's commits have them), how, and who hears.

    `clone` is who promotes. `still` judges once more what people have said, with each worker's newest deployment.
    """

    plan: PromotionPlan
    target: Target
    carrier: Carrier
    around: Surroundings
    tell: Tell
    limit: int = 4
    clone: str = ""
    still: Callable[[Mapping[str, Deployment | None]], tuple[Check, ...]] = lambda _: ()

    @property
    def client(self) -> Client:
        return self.carrier.production

    def deployable(self, step: PromotionStep) -> Deployable:
        return self.target.workers[step.worker]

    def mark(self, stage: Stage, step: PromotionStep, checked: SmokeReport | None = None) -> str:
        checks = (len(self.plan.conditions), len(checked.checks)) if checked is not None else None
        by = "" if stage in ("verified", "returned") else self.clone
        return Mark(stage, self.plan.release, step.good, by, checks).message


@dataclass
class SoFar:
    """What has happened, kept while it happens: whatever stops the promotion, the report can say what is where."""

    bookmarks: list[Bookmark] = field(default_factory=list)
    migrated: list[str] = field(default_factory=list)
    uploaded: dict[str, str] = field(default_factory=dict)
    ahead: set[str] = field(default_factory=set)
    direct: dict[str, str] = field(default_factory=dict)
    switched: dict[str, str] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    made: dict[str, Stands] = field(default_factory=dict)
    smoke_ahead: SmokeReport | None = None
    smoke_after: SmokeReport | None = None

    def stands(self, step: PromotionStep) -> Stands:
        """What this promotion expects to find in production: what it made last, or what its plan was made from."""
        if step.worker in self.made:
            return self.made[step.worker]
        if step.worker in self.direct:
            return lambda one: serving(one) == self.direct[step.worker]
        return lambda one: one.id == step.over


def switch(journey: Journey, so_far: SoFar, step: PromotionStep, version: str, stage: Stage) -> None:
    """Give a version all of the traffic, and say why. Going back is forced: the new version's secrets go back too."""
    checked = so_far.smoke_after if stage == "verified" else None
    traffic, message = ((version, 100.0),), journey.mark(stage, step, checked)
    so_far.made[step.worker] = turn.same(traffic, message)
    deployments.create(journey.client, step.script, traffic, message, force=stage == "returned")


def told(journey: Journey, step: str, name: str, work: Callable[[], Done]) -> Done:
    clock, started = journey.client.clock, journey.client.clock.monotonic()
    journey.tell(Event(Phase.STARTED, step, PRODUCTION, name))
    try:
        done = work()
    except CattlegridError as error:
        journey.tell(Event(Phase.FAILED, step, PRODUCTION, name, str(error), clock.monotonic() - started))
        raise
    journey.tell(Event(Phase.FINISHED, step, PRODUCTION, name, "", clock.monotonic() - started))
    return done
