"""A session's beginning: resolve the target once, see that it lives, and write down what is known of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import httpx2

from cattlegrid.agents.session import Reached, Session
from cattlegrid.agents.venture import choose, given
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Failed, MissingCredential
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable, Target
from cattlegrid.release import live, subjects
from cattlegrid.release.parallel import each
from cattlegrid.release.smoke import bindings
from cattlegrid.release.smoke.keys import OTHER
from cattlegrid.release.smoke.subject import Subject
from cattlegrid.release.target import deployables, resolve
from cattlegrid.secrets import store
from cattlegrid.secrets.store import Stored
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge

_HELLO: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "cattlegrid", "version": "preflight"},
    },
}


@dataclass(frozen=True)
class Wanted:
    """What a person typed. `look`: ask the network; without it the session knows only what the files say.

    `shell`: an agent is started, which holds the secrets that its venture gives to agents.
    """

    venture: str = ""
    environment: Environment = Environment.STAGING
    strict: bool = False
    agent: str = ""
    look: bool = True
    shell: bool = True


@dataclass(frozen=True)
class Begun:
    """`edge` holds this environment's credential and not the other's; `secrets` are the venture's for its agents."""

    session: Session
    edge: Edge
    secrets: Mapping[str, Secret] = field(default_factory=dict)


def begin(edge: Edge, wanted: Wanted) -> Begun:
    """Raises UsageError, Refused, ConfigError, MissingCredential; Failed when a worker of the session is dead."""
    fleet = load(edge.cwd)
    choice = choose(fleet, wanted.venture, wanted.environment, strict=wanted.strict)
    own = replace(edge, cwd=fleet.root, environ=only(fleet, choice.environment, edge.environ))
    target = resolve(fleet, choice.environment, own.environ)
    secrets_given = _given(fleet, wanted, choice.environment, own)
    reached = _look(fleet, target, own) if wanted.look else _from_files(target)
    words, scripts, flags = forbidden(fleet)
    session = Session(
        id=secrets.token_hex(4),
        fleet=fleet.name,
        root=str(fleet.root),
        environment=choice.environment,
        venture=wanted.venture,
        fallback=choice.fallback,
        api=target.account.api,
        account=target.account.account_id,
        agent=wanted.agent,
        started=edge.clock.now().isoformat(timespec="seconds"),
        workers=reached,
        production=words,
        scripts=scripts,
        flags=flags,
        hosts=fleet.agent_hosts,
        secrets=tuple(secrets_given),
    )
    return Begun(session, own, secrets_given)


def _given(fleet: Fleet, wanted: Wanted, environment: Environment, edge: Edge) -> dict[str, Secret]:
    """The venture's secrets for its agents, of the session's environment and of no other; without `look` no values."""
    names = given(fleet, wanted.venture, environment) if wanted.shell else ()
    if not names or not wanted.look:
        return dict.fromkeys(names, Secret(""))
    stored = store.read(fleet.of_venture(wanted.venture), environment, edge.environ, edge.ask).expect_open()
    for name in names:
        if not stored.values.get(name):
            raise MissingCredential(f"{name} of {environment} is not in {stored.place}", next=stored.how_to_add(name))
    return {name: stored.values[name] for name in names}


def only(fleet: Fleet, environment: Environment, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without the other environment's token, unless both are named by one variable."""
    mine, other = fleet.environments[environment].token, fleet.environments[OTHER[environment]].token
    left_out = {other, "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CF_API_TOKEN", "CF_API_KEY", "CLOUDFLARE_ENV"}
    return {name: value for name, value in environ.items() if name == mine or name not in left_out}


def forbidden(fleet: Fleet) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """Ids and names that only production has, its scripts, and by worker's folder the `--env` that means production."""
    staging, production = (deployables(fleet, environment) for environment in Environment)
    theirs = set(bindings.owned(staging.values()))
    words = {name: None for kind, name in bindings.owned(production.values()) if (kind, name) not in theirs}
    words |= {database.name: None for worker in production.values() for database in worker.databases if database.name}
    scripts = tuple(worker.script for worker in production.values())
    token = fleet.environments[Environment.PRODUCTION].token
    if token != fleet.environments[Environment.STAGING].token:
        words[token] = None
    flags = {worker.worker.folder: worker.environment_flag or "" for worker in production.values()}
    return tuple(word for word in words if word not in scripts), scripts, flags


def _from_files(target: Target) -> tuple[Reached, ...]:
    return tuple(
        Reached(name, worker.script, mcp=worker.worker.mcp is not None) for name, worker in target.workers.items()
    )


def _look(fleet: Fleet, target: Target, edge: Edge) -> tuple[Reached, ...]:
    """Every worker is asked of Cloudflare, and those that serve MCP are called with the session's key."""
    stored = store.read(fleet, target.environment, edge.environ)
    with Client(target.account, clock=edge.clock) as client:
        return tuple(each(lambda worker: _reached(client, target, worker, stored), target.workers.values()))


def _reached(client: Client, target: Target, worker: Deployable, stored: Stored) -> Reached:
    name, serves = worker.worker.name, worker.worker.mcp is not None
    found = live.read_one(client, worker.script)
    if found.version is None or found.deployment is None:
        return Reached(name, worker.script, mcp=serves)
    subject = subjects.located(client, target, worker, found.version)
    if serves:
        _hello(client, subject, stored)
    return Reached(
        name=name,
        script=worker.script,
        url=subject.address,
        version=found.version.id,
        commit=found.stamp.commit if found.stamp is not None else "",
        dirty=found.stamp is not None and found.stamp.dirty,
        deployed=found.deployment.created_on.isoformat(timespec="seconds"),
        mcp=serves,
    )


def _hello(client: Client, subject: Subject, stored: Stored) -> None:
    """One authenticated call: a dead session is told before the agent starts. Raises Failed, MissingCredential."""
    worker = subject.deployable.worker
    auth = worker.auth
    secret = stored.values.get(auth.secret) if auth is not None else None
    if auth is not None and secret is None:
        raise MissingCredential(
            f"{auth.secret} of {stored.environment} is not here, and worker {worker.name} wants it",
            next=stored.how_to_add(auth.secret),
        )
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    if auth is not None and secret is not None:
        headers[auth.header] = f"{auth.scheme} {secret.reveal()}".strip()
    try:
        response = client.http.post(subject.address + str(worker.mcp), json=_HELLO, headers=headers)
    except httpx2.HTTPError as error:
        raise _dead(subject, str(error)) from error
    if response.status_code in {401, 403}:
        name = auth.secret if auth is not None else "a call without a key"
        raise Failed(
            f"worker {worker.name} in {stored.environment} refuses {name} (status {response.status_code})",
            where=subject.address,
            next=f"cattlegrid secrets push {worker.name} --env {stored.environment}",
        )
    if response.status_code != 200:
        raise _dead(subject, f"{worker.mcp} answered {response.status_code}")


def _dead(subject: Subject, why: str) -> Failed:
    return Failed(
        f"worker {subject.worker} in {subject.environment} does not serve MCP: {why}",
        where=subject.address,
        next=f"cattlegrid smoke {subject.worker} --env {subject.environment}",
    )
