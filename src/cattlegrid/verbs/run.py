"""`run`: an agent in an environment that it cannot leave. Everything is decided before anything is started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cattlegrid.agents import banner, child, folder, sandbox
from cattlegrid.agents import session as sessions
from cattlegrid.agents.formats import FORMATS, named
from cattlegrid.agents.launch import Launch, Start
from cattlegrid.agents.sandbox import Walls
from cattlegrid.agents.session import Session
from cattlegrid.errors import Failed, Refused, ToolMissing, UsageError
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.session import Begun, Wanted, begin

_SHOWN: Final = Path("SESSION")


@dataclass(frozen=True)
class Options:
    """`argv` is the agent's command. `inject` are names of variables that a person wants the agent to have."""

    argv: tuple[str, ...]
    venture: str = ""
    environment: Environment = Environment.STAGING
    strict: bool = False
    agent: str = ""
    walls: Walls = Walls.FILES
    inject: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """The whole start as data: what is written, what the child's environment holds, what is executed.

    `loose` is what a person must know of a session without a sandbox. The agent is not told.
    """

    session: Session
    folder: Path
    launch: Launch
    environ: Mapping[str, str] = field(repr=False)
    banner: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()


def config(edge: Edge, options: Options) -> Prepared:
    """What `run` would do, with a made-up folder; nothing is written, started or asked of the network."""
    begun = begin(edge, _wanted(options, look=False))
    return _prepared(edge, options, begun, _SHOWN)


def start(edge: Edge, options: Options, tell: Callable[[tuple[str, ...]], None], confirm: Callable[[], bool]) -> None:
    """Become the agent; returns never. `tell` shows the banner, `confirm` asks a person before production.

    Raises what `begin` raises, Refused when production is not confirmed, Failed when the gateway does not start.
    """
    if sessions.here(edge.environ) is not None:
        raise Refused("this is an agent's session already; a session cannot start another one")
    if options.environment is Environment.PRODUCTION and not confirm():
        raise Refused("production was not confirmed; nothing was started", next="cattlegrid run -- <agent>")
    place = folder.make(edge.environ)
    try:
        gateway = _gateway(place, edge)
        begun = begin(edge, _wanted(options, look=True))
        _expect_program(options.argv[0], edge)
        prepared = _prepared(edge, options, begun, place)
        folder.put(place, prepared.launch.files)
        sessions.write(prepared.session, place)
        _hand_over(gateway, begun, place)
        tell((*prepared.loose, *prepared.banner))
        os.chdir(edge.cwd)
        os.execvpe(prepared.launch.argv[0], list(prepared.launch.argv), dict(prepared.environ))  # noqa: S606 - our end
    except BaseException:
        folder.discard(place)
        raise


def _expect_program(name: str, edge: Edge) -> None:
    """Raises UsageError: in a sandbox, its own words would be all that a person is told."""
    if shutil.which(name, path=edge.environ.get("PATH")) is None:
        raise UsageError(f"there is no program {name!r} on PATH")


def _wanted(options: Options, *, look: bool) -> Wanted:
    if not options.argv:
        raise UsageError("no agent is named", next="cattlegrid run -- claude")
    if options.agent and options.agent not in FORMATS:
        raise UsageError(f"there is no agent {options.agent!r}; the agents are {', '.join(FORMATS)}")
    name, _ = named(options.argv, options.agent)
    return Wanted(options.venture, options.environment, options.strict, name, look)


def _prepared(edge: Edge, options: Options, begun: Begun, place: Path) -> Prepared:
    said = banner.lines(begun.session, edge.clock.now())
    _, format_ = named(options.argv, options.agent)
    launch = format_(Start(begun.session, place, options.argv, said, sandbox=options.walls is Walls.NETWORK))
    loose = _loose(edge, options, begun)
    if options.walls is not Walls.NONE and not loose:
        launch = replace(launch, argv=sandbox.wrap(launch.argv, begun.session, edge.environ))
    environ = child.environment(edge.environ, begun.session, place, launch.variables, options.inject, begun.secrets)
    return Prepared(begun.session, place, launch, environ, said, loose)


def _loose(edge: Edge, options: Options, begun: Begun) -> tuple[str, ...]:
    """Why there is no sandbox, and what of production's the agent's shell can therefore read; empty with a sandbox.

    Raises ToolMissing when the sandbox was asked for by name: then it is never left out.
    """
    why = "--no-sandbox" if options.walls is Walls.NONE else sandbox.missing(edge.environ)
    if not why:
        return ()
    if options.walls is Walls.NETWORK:
        raise ToolMissing(f"{why}, and --sandbox is made of it", next="apt install bubblewrap")
    from cattlegrid.agents.walls import (  # noqa: PLC0415 - a sandboxed start does not pay for it
        Ground,
        readable_secrets,
        wrangler_login,
    )

    home = Path(edge.environ.get("HOME") or "~").expanduser()
    ground = Ground(load(Path(begun.session.root)), edge.environ, home, user=os.getuid())
    found = [look(ground) for look in (wrangler_login, readable_secrets)]
    readable = [f"{one.detail} ({one.fix})" for one in found if one.outcome is Outcome.FAIL]
    head = f"note: this session has no sandbox ({why}): the agent's shell reads what you can read"
    return (f"{head}; cattlegrid doctor", *(f"WARNING: it can read {one}" for one in readable))


def _gateway(place: Path, edge: Edge) -> subprocess.Popen[bytes]:
    """Started first: it waits for its orders while the target is resolved."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "cattlegrid.gateway", str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=place,
        env={name: edge.environ[name] for name in ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR") if name in edge.environ},
        start_new_session=True,
    )


def _hand_over(gateway: subprocess.Popen[bytes], begun: Begun, place: Path) -> None:
    orders = {"session": sessions.encode(begun.session), "environ": dict(begun.edge.environ), "agent": os.getpid()}
    if gateway.stdin is None or gateway.stdout is None:
        raise Failed("the session's gateway has no pipe")
    try:
        gateway.stdin.write(json.dumps(orders).encode())
        gateway.stdin.close()
        ready = gateway.stdout.readline()
        gateway.wait()  # with a time limit it would look every 50 ms
    except OSError as error:
        raise Failed("the session's gateway did not start", where=str(place)) from error
    if ready != b"ready\n":
        raise Failed("the session's gateway did not start", where=str(place), next="cattlegrid mcp")
