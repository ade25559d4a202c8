"""Which version answers. Edges serve the old one for up to a minute after a deployment, so this one check waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx2

from cattlegrid.clock import Clock
from cattlegrid.model.check import Check, Outcome
from cattlegrid.release.smoke.subject import Reply, Subject, ask, json_of, shown

PATIENCE: Final = 60.0
_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 4.0


def await_version(http: httpx2.Client, subject: Subject, clock: Clock, *, patience: float = PATIENCE) -> Check:
    """Pass when the expected version answers. Only a well-formed answer of another version is asked again."""
    path = subject.deployable.worker.health
    name = f"GET {path} answers from version {subject.version.id[:8]}"
    if path is None:
        return subject.check("version", Outcome.NOT_MEASURED, "no health path is declared: any version may answer")
    started, wait = clock.monotonic(), _FIRST_WAIT
    while True:
        reply = ask(http, subject, path)
        other, wrong = _read(reply, subject)
        seconds = clock.monotonic() - started
        if wrong:
            return subject.check(name, Outcome.FAIL, wrong, seconds)
        if other is None:
            return subject.check(name, Outcome.PASS, "", seconds)
        if seconds + wait > patience:
            return subject.check(
                name, Outcome.FAIL, f"version {other[:8]} still answers after {seconds:.0f} s", seconds
            )
        clock.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


def answers_another(http: httpx2.Client, subject: Subject) -> bool:
    """Whether, right now, a well-formed answer comes from another version than the expected one."""
    path = subject.deployable.worker.health
    if path is None:
        return False
    other, wrong = _read(ask(http, subject, path), subject)
    return other is not None and not wrong


def _read(reply: Reply, subject: Subject) -> tuple[str | None, str]:
    """The id of the other version that answered, or what is wrong with the answer; neither when all is well."""
    if reply.response is None:
        return None, reply.trouble
    if reply.response.status_code != 200:
        return None, f"status {reply.response.status_code}"
    body = json_of(reply.response)
    version = body.get("version") if isinstance(body, Mapping) else None
    found = version.get("id") if isinstance(version, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(found, str) or not found:
        return None, "the answer is not JSON with version.id (bind version_metadata and return it)"
    if found != subject.version.id:
        return found, ""
    environment = body.get("environment")
    if environment is not None and environment != subject.environment.value:
        return None, f"it says that its environment is {shown(environment)}"
    return None, ""
