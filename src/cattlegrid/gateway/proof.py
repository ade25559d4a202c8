"""Before the first call and after every reconnect: is the worker that answers this environment's?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cattlegrid.errors import ApiError, CattlegridError
from cattlegrid.gateway.way import Way
from cattlegrid.model.fleet import WorkerSettings
from cattlegrid.release import live, subjects
from cattlegrid.release.smoke import bindings
from cattlegrid.release.smoke.subject import Subject, ask, json_of, shown
from cattlegrid.secrets.store import Stored


class Down(Exception):
    """A worker cannot be used now. It costs its own tools, and they come back when it does."""


class Mismatch(Exception):
    """A worker answers that is not this environment's. Every tool stops until the reason is gone."""


@dataclass(frozen=True)
class Proof:
    """What was seen. `shown_by` are the independent signs that it is this environment: never empty.

    `key` is the header that the worker wants, with the value that the store has now; empty without auth.
    """

    worker: str
    address: str
    version: str
    commit: str
    shown_by: tuple[str, ...]
    key: Mapping[str, str] = field(repr=False)


def prove(way: Way, worker: WorkerSettings) -> Proof:
    """Read the live version, its bindings, the worker's own word and its databases' markers. Raises Down, Mismatch."""
    try:
        found = live.read_one(way.client, way.target.workers[worker.name].script)
        if found.version is None:
            raise Down(f"{found.script} is not deployed in {way.target.label}")
        subject = subjects.located(way.client, way.target, way.target.workers[worker.name], found.version)
        stored = way.stored()
    except ApiError as error:
        raise Down(f"Cloudflare could not be asked about {worker.name}: {error.what}{_renewal(way, error)}") from error
    except CattlegridError as error:
        raise Down(str(error)) from error
    signs = [*_bindings(way, subject), *_health(way, subject), *_markers(way, subject, stored)]
    if not signs:
        raise Down(
            f"nothing shows that {subject.deployable.script} is {way.target.label}'s: it has no resource of its own, no"
            f" health path that tells its environment, and no probe (workers.{worker.name} in cattlegrid.toml)"
        )
    commit = found.stamp.commit if found.stamp is not None else ""
    return Proof(worker.name, subject.address, found.version.id, commit, tuple(signs), key_of(worker, stored))


def key_of(worker: WorkerSettings, stored: Stored) -> dict[str, str]:
    """The worker's own key as a header; none for a worker without auth, or whose key is not in the store."""
    auth = worker.auth
    secret = stored.values.get(auth.secret) if auth is not None else None
    if auth is None or secret is None:
        return {}
    return {auth.header: f"{auth.scheme} {secret.reveal()}".strip()}


def refused(way: Way, worker: WorkerSettings, status: int) -> Down:
    """The worker takes the key of the store no more, or not yet."""
    name = worker.auth.secret if worker.auth is not None else "a call without a key"
    return Down(
        f"{worker.name} refuses {name} of {way.target.label} (status {status});"
        f" next: cattlegrid secrets push {worker.name} --env {way.target.label}"
    )


def _renewal(way: Way, error: ApiError) -> str:
    """A session keeps its credential: a renewed one is a new session's."""
    if error.status not in {401, 403}:
        return ""
    name = way.fleet.environments[way.session.environment].token
    return f"; next: a person renews the token in {name} and starts a new session: cattlegrid run -- <agent>"


def _bindings(way: Way, subject: Subject) -> list[str]:
    own = set(bindings.declared(subject.deployable.config).values())
    bound = bindings.live(subject.version.bindings)
    for name, resource in bound.items():
        if resource in way.others and resource not in own:
            raise Mismatch(
                f"{subject.deployable.script} is bound to {resource[0]} {resource[1]} ({name}), which is not"
                f" {way.target.label}'s: it belongs to the other environment's {way.others[resource]}"
            )
    return ["bindings"] if any(resource in own for resource in bound.values()) else []


def _health(way: Way, subject: Subject) -> list[str]:
    path = subject.deployable.worker.health
    if path is None:
        return []
    reply = ask(way.client.http, subject, path)
    if reply.response is None:
        raise Down(f"{subject.worker}: {reply.trouble}")
    if reply.response.status_code >= 500:
        raise Down(f"{subject.worker}: {path} answered {reply.response.status_code}")
    body = json_of(reply.response)
    said = body.get("environment") if isinstance(body, Mapping) else None
    if said is None:
        return []
    if said != way.target.label:
        raise Mismatch(f"{subject.address} says that it is {shown(said)}, not {shown(way.target.label)}")
    return ["its own word"]


def _markers(way: Way, subject: Subject, stored: Stored) -> list[str]:
    worker = subject.deployable.worker
    if worker.probe is None or not subject.deployable.databases:
        return []
    auth = worker.auth
    secret = stored.values.get(auth.secret) if auth is not None else None
    if auth is not None and secret is None:
        raise Down(f"{auth.secret} of {way.target.label} is not here: {stored.how_to_add(auth.secret)}")
    reply = ask(way.client.http, subject, worker.probe, key=(auth, secret) if auth and secret else None)
    if reply.response is None:
        raise Down(f"{worker.name}: {reply.trouble}")
    if reply.response.status_code in {401, 403}:
        raise refused(way, worker, reply.response.status_code)
    body = json_of(reply.response)
    databases = body.get("databases") if isinstance(body, Mapping) else None
    if not isinstance(databases, Mapping):
        raise Down(f"{worker.name}: {worker.probe} answered {reply.response.status_code} without databases")
    for binding, seen in databases.items():
        marker = seen.get("environment") if isinstance(seen, Mapping) else None
        if marker != way.target.label:
            raise Mismatch(
                f"the database behind {worker.name}.{binding} says that it is {shown(marker)},"
                f" not {shown(way.target.label)}"
            )
    return ["its databases' markers"] if databases else []
