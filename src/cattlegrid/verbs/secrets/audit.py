"""`secrets audit`: both environments' secrets against each other, in the stores, on the Workers, and live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2

from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.http import open_http
from cattlegrid.errors import MissingCredential
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.release import audit as release_audit
from cattlegrid.release.audit import AuditReport, Way
from cattlegrid.release.examine import Place
from cattlegrid.release.parallel import each
from cattlegrid.release.target import resolve
from cattlegrid.secrets import store
from cattlegrid.secrets.store import Stored
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


def audit(edge: Edge, *, live_checks: bool = True) -> AuditReport:
    """Never raises for a credential that is missing: what it would have shown is *not measured* then."""
    fleet = load(edge.cwd)
    with ways(edge, fleet) as (found, http):
        ventures = tuple((scope, read_each(edge, scope)) for scope in fleet.scopes[1:])
        return release_audit.run(fleet, found, read_each(edge, fleet), http, ventures, live_checks=live_checks)


def read_each(edge: Edge, fleet: Fleet) -> dict[Environment, Stored]:
    """By environment, as far as the venture has it: the fleet itself has both."""
    has = fleet.secrets.environments
    return dict(zip(has, each(lambda one: store.read(fleet, one, edge.environ, edge.ask), has), strict=True))


@contextmanager
def ways(edge: Edge, fleet: Fleet) -> Iterator[tuple[Mapping[Environment, Way], httpx2.Client]]:
    """A way to each environment, over one HTTP client, or the reason why there is none."""
    with open_http() as http:

        def way(environment: Environment) -> Way:
            try:
                target = resolve(fleet, environment, edge.environ)
            except MissingCredential as error:
                return Way(None, error.what)
            return Way(Place(Client(target.account, clock=edge.clock, http=http), target))

        yield {environment: way(environment) for environment in Environment}, http
