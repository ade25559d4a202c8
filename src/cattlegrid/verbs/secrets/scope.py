"""Whose secrets a command is about: the fleet's own, or a venture's."""

from __future__ import annotations

from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


def scoped(edge: Edge, venture: str, *environments: Environment) -> Fleet:
    """The fleet, with the venture's secrets for its own when one is named.

    Raises UsageError for a venture that is unknown or has none, Refused for an environment that it does not have.
    """
    fleet = load(edge.cwd).of_venture(venture)
    for environment in environments:
        fleet.secrets.expect(environment)
    return fleet
