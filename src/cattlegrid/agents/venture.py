"""Which environment a session gets: the one asked for, unless the venture declares that it has no staging."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from cattlegrid.errors import Refused, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet


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
    if venture not in fleet.ventures:
        known = ", ".join(fleet.ventures) or "none is declared"
        close = difflib.get_close_matches(venture, fleet.ventures, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"there is no venture {venture!r}; the ventures are {known}.{hint}", where="cattlegrid.toml")
    declared = fleet.ventures[venture]
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
