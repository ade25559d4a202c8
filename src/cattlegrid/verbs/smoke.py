"""`smoke`: examine what is live in an environment."""

from __future__ import annotations

from cattlegrid.model.check import SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.release.examine import examine, surroundings
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened


def smoke(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    *,
    tell: Tell = lambda _: None,
) -> SmokeReport:
    """Examine the named workers, or all. Raises UnknownWorker, ConfigError, MissingCredential, ApiError."""
    fleet = load(edge.cwd)
    chosen = tuple(worker.name for worker in fleet.named(names))
    with opened(edge, fleet, environment) as (here, other, why_not):
        tell(Event(Phase.STARTED, "smoke", environment))
        report = examine(here, chosen, surroundings(fleet, here, other, why_not))
        tell(Event(Phase.FINISHED, "smoke", environment, "", report.examined, report.seconds))
    return report
