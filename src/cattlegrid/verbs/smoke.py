"""`smoke`: examine what is live in an environment."""

from __future__ import annotations

from cattlegrid.model.check import SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Tell
from cattlegrid.release.examine import announced, examine, surroundings
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
    with opened(edge, fleet, environment, tell) as (here, other, why_not):
        around = surroundings(fleet, here, other, edge.environ, why_not)
        return announced(tell, environment, lambda: examine(here, chosen, around))
