"""Key isolation: a staging key must not open production, and the same value must not be in both.

Production's key is never sent to staging: code that an agent may have written would receive it. That staging refuses
it follows from two facts that can be seen safely: staging refuses a made-up key, and the two values differ.
"""

from __future__ import annotations

import secrets as randomness

import httpx2

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import SecretPolicy
from cattlegrid.model.secret import Secret
from cattlegrid.release.smoke.subject import Subject, ask
from cattlegrid.secrets.store import Stored

_REFUSALS = frozenset({401, 403})


def refuses_a_made_up_key(http: httpx2.Client, subject: Subject) -> list[Check]:
    """The worker examines keys at all. Nothing for a worker without auth or without a probe to try it on."""
    name = f"a made-up key is refused in {subject.environment}"
    return _refused(http, subject, name, Secret(randomness.token_urlsafe(24)))


def refuses_the_staging_key(http: httpx2.Client, production: Subject, staging: Stored) -> list[Check]:
    """Production refuses the key that opens staging."""
    auth = production.deployable.worker.auth
    if auth is None or production.deployable.worker.probe is None:
        return []
    name = f"staging's {auth.secret} is refused by production"
    key = staging.values.get(auth.secret)
    if key is None:
        detail = f"{auth.secret} of staging is not here: {staging.how_to_add(auth.secret)}"
        return [production.check(name, Outcome.NOT_MEASURED, detail)]
    return _refused(http, production, name, key)


def differ(policy: SecretPolicy, stores: tuple[Stored, Stored]) -> list[Check]:
    """One check for each isolated name whose values are both here. Values are compared and never shown."""
    one, two = stores
    checks = []
    for name in policy.isolated:
        if name not in one.values or name not in two.values:
            continue
        same = one.values[name] == two.values[name]
        outcome = Outcome.FAIL if same else Outcome.PASS
        detail = f"the same value is in {one.place} and {two.place}" if same else ""
        checks.append(Check(f"{name} differs between {one.environment} and {two.environment}", outcome, detail))
    return checks


def _refused(http: httpx2.Client, subject: Subject, name: str, key: Secret) -> list[Check]:
    worker = subject.deployable.worker
    if worker.auth is None or worker.probe is None:
        return []
    reply = ask(http, subject, worker.probe, key=(worker.auth, key))
    if reply.response is None:
        return [subject.check(name, Outcome.NOT_MEASURED, reply.trouble, reply.seconds)]
    status = reply.response.status_code
    if status in _REFUSALS:
        return [subject.check(name, Outcome.PASS, f"status {status}", reply.seconds)]
    if status < 400:
        detail = f"{worker.probe} answered {status}: the key opens {subject.environment}"
        return [subject.check(name, Outcome.FAIL, detail, reply.seconds)]
    detail = f"{worker.probe} answered {status}, which is neither acceptance nor refusal"
    return [subject.check(name, Outcome.NOT_MEASURED, detail, reply.seconds)]


OTHER = {Environment.STAGING: Environment.PRODUCTION, Environment.PRODUCTION: Environment.STAGING}
