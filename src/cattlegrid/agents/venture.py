"""Which environment a session gets: the one asked for, unless the venture declares that it has no staging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cattlegrid.errors import Refused
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet

AGENTS: Final = "agents"


@dataclass(frozen=True)
class Choice:
    """`fallback`: staging was asked for, the venture declares none, and the whole session is production's."""

    environment: Environment
    fallback: bool = False


def choose(fleet: Fleet, venture: str, wanted: Environment, *, strict: bool) -> Choice:
    """Raises UsageError for an unknown venture, Refused for an environment that the venture lacks.

    Only a declaration leads to the fallback. That staging cannot be reached is never seen here.
    """
    if not venture:
        return Choice(wanted)
    declared = fleet.expect_venture(venture)
    if wanted in declared:
        return Choice(wanted)
    if wanted is Environment.PRODUCTION:
        raise Refused(f"venture {venture} declares no production", next=f"cattlegrid run {venture} -- <agent>")
    if strict:
        raise Refused(
            f"venture {venture} has no staging, and --strict forbids production in its place",
            where=f"cattlegrid.toml: ventures.{venture}.environments",
            next=f"give {venture} a staging environment, or leave --strict out",
        )
    return Choice(Environment.PRODUCTION, fallback=True)


def given(fleet: Fleet, venture: str, environment: Environment) -> tuple[str, ...]:
    """The venture's own secrets that its sessions hold, since `used-by` names agents: under every name they have."""
    if venture not in fleet.venture_secrets:
        return ()
    policy = fleet.venture_secrets[venture]
    meant = (name for name in policy.names(environment) if AGENTS in policy.of(name).used_by)
    return tuple(one for name in meant for one in (name, *policy.of(name).aliases))
