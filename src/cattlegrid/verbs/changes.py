"""`changes`: which workers differ from what is live in an environment."""

from __future__ import annotations

from dataclasses import replace

from cattlegrid import toolchain
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.change import Changes
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Tell
from cattlegrid.release import detect, standing, target
from cattlegrid.release.examine import Place
from cattlegrid.release.source import checked_out
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


def changes(
    edge: Edge,
    environment: Environment,
    names: tuple[str, ...] = (),
    *,
    build: bool = True,
    limit: int = 2,
    tell: Tell = lambda _: None,
) -> Changes:
    """Against what is live in the environment. Without `build`, different inputs count as a change.

    Raises UnknownWorker, ConfigError, MissingCredential, ApiError.
    """
    fleet = load(edge.cwd)
    chosen = fleet.named(names)
    resolved = target.resolve(fleet, environment, edge.environ)
    source = checked_out(fleet, edge.environ)
    builder = detect.Builder(lambda: toolchain.locate(edge.environ), edge.environ, limit) if build else None
    with Client(resolved.account, clock=edge.clock) as client:
        state = detect.read_state(client, resolved, tuple(worker.name for worker in chosen))
        by_hand = standing.by_hand(Place(client, resolved), tuple(state))
    found = [one.change for one in detect.detect(source, resolved, state, builder, tell)]
    told = tuple(replace(one, notes=(*one.notes, *by_hand[one.worker])) for one in found)
    return Changes(environment.value, "", source.commit, source.dirty, told)
