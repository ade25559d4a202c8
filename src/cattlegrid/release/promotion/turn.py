"""Whose turn it is in production. Two people may promote at once from two clones; only Cloudflare knows of both.

There is no lock that both could hold without a server. Instead, each deployment of a promotion names the clone that
made it, and none is made over one that the promotion has not seen: whoever comes second is refused, and gives back what
stood there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from cattlegrid.cloudflare import deployments
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.deployments import Traffic
from cattlegrid.errors import Locked, StalePlan
from cattlegrid.model.version import Deployment
from cattlegrid.release.live import Live
from cattlegrid.release.promotion import marks

# How long a promotion may be silent between two of its deployments before another clone takes it for dead.
PATIENCE: Final = timedelta(minutes=5)
_LOOKS: Final = 6

Stands = Callable[[Deployment], bool]


def refuse_other(live: Mapping[str, Live], clone: str, now: datetime) -> None:
    """Raises Locked while a promotion that another clone began is under way. `now` is by Cloudflare's clock."""
    for name, one in live.items():
        mark = marks.read(one.deployment.message) if one.deployment is not None else None
        if mark is None or one.deployment is None or mark.proven or mark.by in ("", clone):
            continue
        since = one.deployment.created_on
        if mark.stage == "returned" or now - since > PATIENCE:
            continue
        raise Locked(
            f"another clone promotes release {mark.release}: {name} is {mark.stage} since {since:%H:%M:%S} UTC",
            where=f"production, {one.script}",
            next=f"wait until it has ended; if it has not by {since + PATIENCE:%H:%M:%S} UTC, repeat the command",
        )


def same(traffic: Traffic, message: str) -> Stands:
    """Whether a deployment is the one that was made like this."""
    return lambda one: one.message == message and sorted(one.traffic) == sorted(traffic)


def refuse_moved(client: Client, script: str, found: Deployment | None, stands: Stands) -> None:
    """Raises StalePlan when something else stands there than the promotion has seen.

    A promotion of another clone that came second gives back what stood there: it is given the time for that.
    """
    for _ in range(_LOOKS):
        if found is not None and stands(found):
            return
        mark = marks.read(found.message) if found is not None else None
        if mark is None or mark.stage != "ahead":
            break
        client.clock.sleep(0.5)
        found = newest(client, script)
    raise _moved(script, found)


def claim(client: Client, script: str, traffic: Traffic, message: str, stands: Stands) -> None:
    """Put a version at 0 %, and so say that this promotion is under way. Raises StalePlan when another came first."""
    refuse_moved(client, script, newest(client, script), stands)
    deployments.create(client, script, traffic, message)
    mine = same(traffic, message)
    found = deployments.read(client, script)
    place = next((number for number, one in enumerate(found) if mine(one)), None)
    before = found[place + 1] if place is not None and place + 1 < len(found) else None
    if before is None or stands(before) or mine(before):
        return
    if place == 0:
        deployments.create(client, script, before.traffic, before.message, force=True)
    raise _moved(script, before)


def newest(client: Client, script: str) -> Deployment | None:
    """None when nothing of the script was ever deployed."""
    found = deployments.read(client, script)
    return found[0] if found else None


def _moved(script: str, found: Deployment | None) -> StalePlan:
    if found is None:
        return StalePlan("it is gone from production", where=script, next="cattlegrid status")
    mark = marks.read(found.message)
    what = f"{mark.stage} {mark.release}" if mark is not None else found.message or "without a word"
    return StalePlan(
        f"somebody else moved it in production at {found.created_on:%H:%M:%S} UTC: {what}",
        where=script,
        next="cattlegrid status",
    )
