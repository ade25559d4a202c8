"""Giving back: every worker gets the traffic again that a promotion took from it before something stopped it."""

from __future__ import annotations

from functools import partial

from cattlegrid.cloudflare import deployments
from cattlegrid.errors import CattlegridError
from cattlegrid.release.promotion import turn
from cattlegrid.release.promotion.journey import Journey, SoFar, switch, told
from cattlegrid.release.promotion.plan import How, PromotionStep


def give_back(journey: Journey, so_far: SoFar) -> list[str]:
    """Give every worker its traffic back that this promotion took from it. What could not be undone, in sentences."""
    left = []
    for step in journey.plan.steps:
        if step.worker in so_far.direct:
            left.append(f"{step.worker} stays on its new version: {step.because}")
        before = _came_from(journey, step) if step.how is How.FINISH else step.before_version
        moved = step.worker in so_far.ahead or (step.how is How.FINISH and so_far.smoke_after is not None)
        if not moved or not before:
            continue
        try:
            if not _mine(journey, so_far, step):
                left.append(f"{step.worker} stays as somebody else has put it meanwhile")
                continue
            told(journey, "return", step.worker, partial(switch, journey, so_far, step, before, "returned"))
            so_far.returned.append(step.worker)
        except CattlegridError as error:
            left.append(f"{step.worker} could not be switched back ({error}); wrangler rollback {before}")
    if so_far.migrated:
        left.append(f"migrations stay applied: {', '.join(so_far.migrated)}")
    return left


def _mine(journey: Journey, so_far: SoFar, step: PromotionStep) -> bool:
    """Whether what stands in production is what this promotion made: only that is its to undo."""
    newest = turn.newest(journey.client, step.script)
    return newest is not None and so_far.stands(step)(newest)


def _came_from(journey: Journey, step: PromotionStep) -> str:
    """The version that was live before an interrupted promotion switched."""
    for deployment in deployments.read(journey.client, step.script):
        for version, percentage in deployment.traffic:
            if percentage == 100 and version != step.before_version:
                return version
    return ""
