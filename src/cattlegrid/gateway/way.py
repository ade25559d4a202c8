"""What a gateway is made of: the target, resolved once, and the credentials that go with it and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cattlegrid.agents.session import Session
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.fleet import Fleet, WorkerSettings
from cattlegrid.model.target import Target
from cattlegrid.release.smoke import bindings
from cattlegrid.release.smoke.keys import OTHER
from cattlegrid.release.target import deployables, resolve
from cattlegrid.secrets import store
from cattlegrid.secrets.store import Stored
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


@dataclass(frozen=True)
class Way:
    """`edge` holds this environment's token only. `others` is what the other environment owns."""

    session: Session
    edge: Edge
    fleet: Fleet
    target: Target
    client: Client
    others: Mapping[bindings.Resource, str] = field(repr=False)

    @property
    def serving(self) -> tuple[WorkerSettings, ...]:
        """The workers that serve MCP."""
        return tuple(worker for worker in self.fleet.workers if worker.mcp)

    def stored(self) -> Stored:
        """Read anew each time: a key may be rotated while the session runs. Raises StoreError."""
        return store.read(self.fleet, self.session.environment, self.edge.environ)

    def moved(self) -> str:
        """What the files name now and did not when the session began; empty when nothing moved.

        The session keeps its target. A tool that would act by the files refuses instead.
        """
        now = deployables(load(self.edge.cwd), self.session.environment)
        then = self.target.workers
        for name in now.keys() | then.keys():
            if name not in now or name not in then:
                return f"worker {name} {'is new' if name in now else 'has gone'}"
            for what, before, after in (
                ("its script", then[name].script, now[name].script),
                ("its resources", bindings.declared(then[name].config), bindings.declared(now[name].config)),
                ("its account", then[name].config.get("account_id"), now[name].config.get("account_id")),
                ("its routes", _routes(then[name].config), _routes(now[name].config)),
            ):
                if before != after:
                    return f"worker {name}: {what} was {before} and is {after} in the files"
        return ""


def open_way(session: Session, edge: Edge) -> Way:
    """Resolve everything once, and whole. Raises ConfigError, MissingCredential."""
    fleet = load(edge.cwd)
    target = resolve(fleet, session.environment, edge.environ)
    others = bindings.owned(deployables(fleet, OTHER[session.environment]).values())
    return Way(session, edge, fleet, target, Client(target.account, clock=edge.clock), others)


def _routes(config: Mapping[str, object]) -> tuple[object, object]:
    return config.get("routes"), config.get("route")
