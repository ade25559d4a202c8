"""Where an agent is that was not started by `cattlegrid run`: what the fleet's files alone say of its environment."""

from __future__ import annotations

from cattlegrid.agents.session import Reached, Session
from cattlegrid.agents.venture import choose
from cattlegrid.model.environment import Environment
from cattlegrid.release.target import deployables
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.session import forbidden


def here(edge: Edge, venture: str) -> Session:
    """No credential is needed, and nothing is asked of the network: addresses and versions are not known.

    Raises UsageError outside of a fleet or for an unknown venture, ConfigError.
    """
    fleet = load(edge.cwd)
    choice = choose(fleet, venture, Environment.STAGING, strict=False)
    words, scripts, flags = forbidden(fleet)
    workers = deployables(fleet, choice.environment)
    return Session(
        id="installed",
        fleet=fleet.name,
        root=str(fleet.root),
        environment=choice.environment,
        venture=venture,
        fallback=choice.fallback,
        workers=tuple(Reached(name, one.script, mcp=one.worker.mcp is not None) for name, one in workers.items()),
        production=words,
        scripts=scripts,
        flags=flags,
    )
