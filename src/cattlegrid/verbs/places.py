"""Ways to the environments, opened together over one HTTP client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.http import open_http
from cattlegrid.cloudflare.pace import Pace
from cattlegrid.errors import MissingCredential
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.fleet import Fleet
from cattlegrid.release import lock
from cattlegrid.release.examine import Place
from cattlegrid.release.smoke.keys import OTHER
from cattlegrid.release.target import resolve
from cattlegrid.verbs.edge import Edge


@contextmanager
def opened(
    edge: Edge, fleet: Fleet, environment: Environment, tell: Tell = lambda _: None
) -> Iterator[tuple[Place, Place | None, str]]:
    """The environment, the other one if its credential is here, and otherwise what is missing.

    `tell` hears when calls have to wait for Cloudflare's limit, which counts all calls of one token.
    """
    paces: dict[str, Pace] = {}

    def waits(left: int, seconds: float) -> None:
        said = f"{left} calls are left of Cloudflare's limit: waiting {seconds:.0f} s for the next window"
        tell(Event(Phase.NOTE, "pace", environment, "", said))

    with open_http() as http:

        def place(wanted: Environment) -> Place:
            target = resolve(fleet, wanted, edge.environ)
            pace = paces.setdefault(target.account.token.reveal(), Pace(waits))
            return Place(Client(target.account, clock=edge.clock, http=http, pace=pace), target)

        here = place(environment)
        other, why_not = None, ""
        try:
            other = place(OTHER[environment])
        except MissingCredential as error:
            why_not = error.what
        yield here, other, why_not


def git_folder(repository: Repository) -> Path:
    """What all worktrees of this clone share."""
    common = git.git(repository, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return Path(common.expect_success("git rev-parse").out.strip())


@contextmanager
def locked(edge: Edge, repository: Repository, environment: Environment, doing: str) -> Iterator[None]:
    """The environment to ourselves, among all worktrees of this clone. Raises Locked."""
    folder = git_folder(repository)
    who = edge.environ.get("USER") or edge.environ.get("LOGNAME") or "somebody"
    with lock.held(folder, environment, who=who, doing=f"cattlegrid {doing}", now=edge.clock.now()):
        yield
