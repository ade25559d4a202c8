"""The version of a script that was last verified in production, from its deployments."""

from __future__ import annotations

from collections.abc import Sequence

from cattlegrid.model.version import Deployment
from cattlegrid.release.promotion import marks


def serving(deployment: Deployment) -> str:
    """The version that takes the traffic."""
    return max(deployment.traffic, key=lambda share: share[1])[0] if deployment.traffic else ""


def good(deployments: Sequence[Deployment]) -> str:
    """The newest version that was verified, which may be the live one; empty when none is known.

    `deployments` are newest first.
    """
    for deployment in deployments:
        mark = marks.read(deployment.message)
        if mark is not None:
            return serving(deployment) if mark.proven else mark.last
    return ""


def before(deployments: Sequence[Deployment]) -> str:
    """The version that was verified before `good`; empty when none is known."""
    for deployment in deployments:
        mark = marks.read(deployment.message)
        if mark is not None and mark.proven:
            return mark.last
    return ""
