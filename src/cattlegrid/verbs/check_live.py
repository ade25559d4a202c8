"""The part of `check --live` that asks Cloudflare: the bindings of every live version in both environments."""

from __future__ import annotations

from cattlegrid.check.live import Running, live
from cattlegrid.check.look import Look
from cattlegrid.errors import MissingCredential
from cattlegrid.model.environment import Environment
from cattlegrid.model.finding import Finding
from cattlegrid.release.live import read_live
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened


def read(edge: Edge, look: Look) -> tuple[list[Finding], int, str]:
    """The findings, how many bindings were examined, and what could not be since nothing of it is deployed.

    Raises MissingCredential, ConfigError, ApiError.
    """
    names = tuple(worker.name for worker in look.workers)
    running, absent = [], []
    with opened(edge, look.fleet, Environment.STAGING) as (staging, production, why_not):
        if production is None:
            raise MissingCredential(why_not)
        for place in (staging, production):
            for name, one in read_live(place.client, place.target, names).items():
                if one.version is not None:
                    running.append(Running(name, place.target.environment, one.version.bindings))
                else:
                    absent.append(f"{name} in {place.target.environment}")
    missing = f"nothing is deployed of {', '.join(absent)}" if absent else ""
    return list(live(look, tuple(running))), sum(len(one.bindings) for one in running), missing
