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
from cattlegrid.secrets.digest import Manifest
from cattlegrid.secrets.store import Stored

_REFUSALS = frozenset({401, 403})


def refuses_a_made_up_key(http: httpx2.Client, subject: Subject) -> list[Check]:
    """The worker examines keys at all. Nothing for a worker without auth or without a probe to try it on."""
    name = f"a made-up key is refused in {subject.environment}"
    return _refused(http, subject, name, Secret(randomness.token_urlsafe(24)))


def accepts_its_own_key(http: httpx2.Client, subject: Subject, stored: Stored) -> list[Check]:
    """The control: a worker that refuses everybody would seem to refuse the other environment's key as well."""
    auth, probe = subject.deployable.worker.auth, subject.deployable.worker.probe
    if auth is None or probe is None:
        return []
    name = f"{subject.environment}'s own {auth.secret} is accepted"
    key = stored.values.get(auth.secret)
    if key is None:
        detail = f"{auth.secret} of {subject.environment} is not here: {stored.how_to_add(auth.secret)}"
        return [subject.check(name, Outcome.NOT_MEASURED, detail)]
    reply = ask(http, subject, probe, key=(auth, key))
    if reply.response is None:
        return [subject.check(name, Outcome.NOT_MEASURED, reply.trouble, reply.seconds)]
    status = reply.response.status_code
    outcome = Outcome.PASS if status < 400 else Outcome.FAIL if status in _REFUSALS else Outcome.NOT_MEASURED
    return [subject.check(name, outcome, f"status {status}", reply.seconds)]


def concluded(staging: Subject, seen: tuple[Check, ...], difference: Check) -> Check:
    """That staging refuses production's key, from what can be seen without ever sending it there."""
    name = "production's key is refused by staging"
    parts = (*seen, difference)
    outcome = Outcome.of(check.outcome for check in parts)
    if outcome is Outcome.PASS:
        detail = "concluded: it accepts its own key, refuses a made-up one, and production's is another"
        return staging.check(name, outcome, detail)
    weak = next(check for check in parts if check.outcome is not Outcome.PASS)
    return staging.check(name, outcome, f"{weak.name}: {weak.detail}")


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


def differ(policy: SecretPolicy, stores: tuple[Stored, Stored], live: tuple[Manifest, Manifest]) -> list[Check]:
    """One check for each isolated name whose values are both here. Values are compared and never shown.

    Where a store cannot be opened, the digests that the live Workers carry are compared.
    """
    one, two = stores
    checks = []
    for name in policy.isolated:
        if one.closed or two.closed:
            checks.append(_differ_live(name, stores, live))
            continue
        if name not in one.values or name not in two.values:
            continue
        same = one.values[name] == two.values[name]
        outcome = Outcome.FAIL if same else Outcome.PASS
        detail = f"the same value is in {one.place} and {two.place}" if same else ""
        checks.append(Check(f"{name} differs between {one.environment} and {two.environment}", outcome, detail))
    return checks


def _differ_live(name: str, stores: tuple[Stored, Stored], live: tuple[Manifest, Manifest]) -> Check:
    title = f"{name} differs between {stores[0].environment} and {stores[1].environment}"
    one, two = (manifest.digests.get(name) for manifest in live)
    if one is None or two is None or not live[0].audit or live[0].audit != live[1].audit:
        closed = next(stored for stored in stores if stored.closed)
        detail = f"{closed.place}: {closed.closed}, and the Workers' manifests do not tell"
        return Check(title, Outcome.NOT_MEASURED, detail)
    return Check(title, Outcome.FAIL if one == two else Outcome.PASS, "by the Workers' manifests")


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
