"""`secrets exec`: the environment of a program that needs some secrets, and no others."""

from __future__ import annotations

from collections.abc import Mapping

from cattlegrid.errors import Refused, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.secrets import session, store
from cattlegrid.secrets.infisical import CREDENTIALS
from cattlegrid.secrets.sops.age import KEY_VARIABLES
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.scope import scoped
from cattlegrid.verbs.secrets.values import declared


def child_environment(
    edge: Edge, environment: Environment, names: tuple[str, ...], keep: tuple[str, ...] = (), *, venture: str = ""
) -> Mapping[str, str]:
    """Our own environment without any secret, and with the named ones of `environment`.

    Left out are every declared name, those of all ventures too, the API tokens and the keys of the stores; `keep` names
    those of them that stay.
    Raises UsageError for a name without a value, Refused for production in an agent's session, MissingCredential.
    """
    fleet = scoped(edge, venture, environment)
    if not names:
        raise UsageError("say which secrets the program needs", next="cattlegrid secrets exec --with NAME -- COMMAND")
    if environment is Environment.PRODUCTION:
        session.refuse_agents(edge.environ, "no program gets production's secrets")
    chosen = {name: declared(fleet, (environment,), name) for name in names}
    stored = store.read(fleet, environment, edge.environ, edge.ask).expect_open()
    for canonical in chosen.values():
        if not stored.values.get(canonical):
            raise UsageError(f"{stored.place} has no {canonical}", next=stored.how_to_add(canonical))
    known = {name for scope in load(edge.cwd).scopes for one in Environment for name in scope.secrets.known(one)}
    hidden = {*known, *KEY_VARIABLES, *CREDENTIALS, *(one.token for one in fleet.environments.values())}
    strangers = sorted(set(keep) - hidden)
    if strangers:
        raise Refused(f"{strangers[0]} is not left out, so that it need not be kept")
    passed = {name: value for name, value in edge.environ.items() if name not in hidden or name in keep}
    return passed | {name: stored.values[canonical].reveal() for name, canonical in chosen.items()}
