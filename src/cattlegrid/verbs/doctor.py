"""`doctor`: which walls stand between an agent and production, seen from this terminal."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.agents import folder, session
from cattlegrid.agents.launch import OWN
from cattlegrid.agents.session import Session
from cattlegrid.agents.walls import Ground, Wall, look
from cattlegrid.errors import ConfigError, ToolError
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.process import run
from cattlegrid.release.smoke import bindings
from cattlegrid.release.target import deployables
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.session import forbidden

_ASKED: Final = {"tool_name": "Bash", "tool_input": {"command": "npx wrangler deploy --env production"}}


@dataclass(frozen=True)
class Walls:
    walls: tuple[Wall, ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(wall.outcome for wall in self.walls)


def doctor(edge: Edge) -> Walls:
    """Raises UsageError outside of a fleet, ConfigError for an unreadable cattlegrid.toml."""
    fleet = load(edge.cwd)
    home = Path(edge.environ.get("HOME") or Path.home())
    ground = Ground(fleet, edge.environ, home, user=os.getuid())
    return Walls((*look(ground), _isolated(fleet), _guarded(edge, fleet)))


def _isolated(fleet: Fleet) -> Wall:
    """Who may deploy a Worker of staging may bind it to any database of the account."""
    name = "staging is bound to nothing of production's"
    try:
        staging, production = (deployables(fleet, one) for one in Environment)
    except ConfigError as error:
        return Wall(name, Outcome.FAIL, str(error.mistakes[0]), error.next)
    theirs = bindings.owned(production.values())
    both = [
        f"{worker.worker.config}: {binding} is {kind} {resource}"
        for worker in staging.values()
        for binding, (kind, resource) in bindings.declared(worker.config).items()
        if (kind, resource) in theirs
    ]
    if both:
        return Wall(name, Outcome.FAIL, "; ".join(both[:3]), "give staging a resource of its own")
    return Wall(name, Outcome.PASS, f"{len(staging)} workers")


def _guarded(edge: Edge, fleet: Fleet) -> Wall:
    """The guard is asked, as a hook would ask it. That an agent runs its hooks is seen in its session's first lines."""
    name = "the guard answers, and refuses"
    words, scripts, flags = forbidden(fleet)
    place = folder.make(edge.environ)
    made = Session(
        "doctor", fleet.name, str(fleet.root), Environment.STAGING, production=words, scripts=scripts, flags=flags
    )
    try:
        session.write(made, place)
        env = {"PATH": edge.environ.get("PATH", ""), session.VARIABLE: str(place)}
        done = run([*OWN, "guard"], cwd=fleet.root, env=env, input=json.dumps(_ASKED).encode(), timeout=10)
    except ToolError as error:
        return Wall(name, Outcome.FAIL, str(error), "reinstall cattlegrid")
    finally:
        folder.discard(place)
    if done.code == 2 and "production" in done.err:
        return Wall(name, Outcome.PASS, "wrangler deploy --env production: refused")
    return Wall(name, Outcome.FAIL, f"exit code {done.code}: {done.err.strip()[:200]}", "reinstall cattlegrid")
