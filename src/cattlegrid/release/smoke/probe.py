"""The databases, read by the worker itself through its bindings: this environment's, with the newest migration."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.target import Database
from cattlegrid.release.smoke.subject import Subject, ask, json_of, shown
from cattlegrid.secrets.store import Stored


def run(http: httpx2.Client, subject: Subject, stored: Stored) -> list[Check]:
    """One check for each database binding of the worker."""
    databases = subject.deployable.databases
    if not databases:
        return []
    answer, outcome, detail, seconds = _answer(http, subject, stored)
    if answer is None:
        return [subject.check(_name(database), outcome, detail, seconds) for database in databases]
    return [_compare(subject, database, answer.get(database.binding), seconds) for database in databases]


def _name(database: Database) -> str:
    return f"database {database.binding} ({database.name or database.id}) through the worker"


def _answer(
    http: httpx2.Client, subject: Subject, stored: Stored
) -> tuple[Mapping[str, object] | None, Outcome, str, float]:
    worker = subject.deployable.worker
    if worker.probe is None:
        return None, Outcome.NOT_MEASURED, f"workers.{worker.name}.probe is not declared: nobody read it", 0.0
    key = None
    if worker.auth is not None:
        secret = stored.values.get(worker.auth.secret)
        if secret is None:
            detail = (
                f"{worker.auth.secret} of {stored.environment} is not here: {stored.how_to_add(worker.auth.secret)}"
            )
            return None, Outcome.NOT_MEASURED, detail, 0.0
        key = (worker.auth, secret)
    reply = ask(http, subject, worker.probe, key=key)
    if reply.response is None:
        return None, Outcome.FAIL, reply.trouble, reply.seconds
    body = json_of(reply.response)
    if reply.response.status_code != 200:
        said = f": {shown(body)}" if isinstance(body, Mapping) else ""
        return None, Outcome.FAIL, f"{worker.probe} answered {reply.response.status_code}{said}", reply.seconds
    found = body.get("databases") if isinstance(body, Mapping) else None
    if not isinstance(found, Mapping):
        return None, Outcome.FAIL, f"{worker.probe} did not answer with databases by binding", reply.seconds
    return found, Outcome.PASS, "", reply.seconds


def _compare(subject: Subject, database: Database, seen: object, seconds: float) -> Check:
    name = _name(database)
    if not isinstance(seen, Mapping):
        return subject.check(name, Outcome.FAIL, "the probe says nothing about this binding", seconds)
    marker, newest = seen.get("environment"), seen.get("migration")
    if marker != subject.environment.value:
        detail = f"its marker says {shown(marker)}, not {shown(subject.environment.value)}: this is another database"
        return subject.check(name, Outcome.FAIL, detail, seconds)
    wanted = subject.migrations.get(database.binding)
    if newest != wanted:
        detail = f"its newest migration is {shown(newest)}, not {shown(wanted)}"
        return subject.check(name, Outcome.FAIL, detail, seconds)
    return subject.check(name, Outcome.PASS, f"{marker}, {newest or 'no migrations'}", seconds)
