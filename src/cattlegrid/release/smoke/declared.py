"""The HTTP checks that `cattlegrid.toml` declares, and the steps of a worker's `smoke.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

import httpx2

from cattlegrid.clock import Clock
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Auth, HttpCheck, WorkerSettings
from cattlegrid.release.smoke.health import PATIENCE, answers_another
from cattlegrid.release.smoke.subject import Reply, Subject, ask, json_of, shown
from cattlegrid.secrets.store import Stored

_BEARER = Auth("Authorization", "Bearer", "")
_BRACES: Final = re.compile(r"\{(\w+)\}")


def asked_in(environment: Environment, worker: WorkerSettings) -> tuple[tuple[HttpCheck, ...], tuple[HttpCheck, ...]]:
    """What is asked at once, and what one after another."""
    at_once, in_turn = (
        tuple(check for check in checks if check.only in {None, environment}) for checks in (worker.smoke, worker.steps)
    )
    return at_once, in_turn


def run(http: httpx2.Client, subject: Subject, declared: HttpCheck, stored: Stored, clock: Clock) -> Check:
    """A failure counts at once, except while another version is seen to answer: then it is asked again."""
    return _asked(http, subject, declared, stored, clock)[0]


def steps(
    http: httpx2.Client, subject: Subject, declared: Iterable[HttpCheck], stored: Stored, clock: Clock
) -> list[Check]:
    """One after another, with what earlier answers gave. After one that does not pass, the rest is not measured."""
    taken: dict[str, str] = {}
    checks: list[Check] = []
    for step in declared:
        if checks and checks[-1].outcome is not Outcome.PASS:
            checks.append(subject.check(step.name, Outcome.NOT_MEASURED, "a step before it did not pass"))
            continue
        check, answer = _asked(http, subject, _filled(step, taken), stored, clock)
        found = {name: _at(answer, path) for name, path in step.take.items()}
        missing = [step.take[name] for name, value in found.items() if value is None]
        if check.outcome is Outcome.PASS and missing:
            check = replace(check, outcome=Outcome.FAIL, detail=f"{', '.join(missing)} is not in the answer")
        checks.append(check)
        taken |= {name: str(value) for name, value in found.items()}
    return checks


def _filled(step: HttpCheck, taken: Mapping[str, str]) -> HttpCheck:
    """`{name}` replaced by what was taken; words in braces that nobody took stay."""

    def fill(value: object) -> object:
        match value:
            case str():
                return _BRACES.sub(lambda found: taken.get(found[1], found[0]), value)
            case Mapping():
                return {key: fill(one) for key, one in value.items()}
            case list():
                return [fill(one) for one in value]
            case _:
                return value

    path = _BRACES.sub(lambda found: quote(taken.get(found[1], found[0]), safe="{}"), step.path)
    text = str(fill(step.text)) if step.text is not None else None
    return replace(step, path=path, title=step.name, send=fill(step.send), json=fill(step.json), text=text)


def _at(answer: object, path: str) -> object:
    """The value at `a.b.0` of JSON; None when there is none."""
    for part in path.split("."):
        if isinstance(answer, Mapping):
            answer = answer.get(part)
        elif isinstance(answer, list) and part.isdigit() and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            return None
    return answer


def _asked(
    http: httpx2.Client, subject: Subject, declared: HttpCheck, stored: Stored, clock: Clock
) -> tuple[Check, object]:
    """The check, and the answer's JSON."""
    key = None
    if declared.auth not in {None, "none"}:
        secret = stored.values.get(str(declared.auth))
        if secret is None:
            detail = f"{declared.auth} of {stored.environment} is not here: {stored.how_to_add(str(declared.auth))}"
            return subject.check(declared.name, Outcome.NOT_MEASURED, detail), None
        key = (subject.deployable.worker.auth or _BEARER, secret)
    started, wait = clock.monotonic(), 0.25
    while True:
        reply = ask(
            http,
            subject,
            declared.path,
            method=declared.method,
            headers=declared.headers,
            key=key,
            send=declared.send,
        )
        wrong = _wrong(declared, reply)
        if not wrong and reply.response is not None:
            return subject.check(declared.name, Outcome.PASS, "", reply.seconds), json_of(reply.response)
        out_of_time = clock.monotonic() - started + wait > PATIENCE
        if out_of_time or not answers_another(http, subject):
            return subject.check(declared.name, Outcome.FAIL, wrong, reply.seconds), None
        clock.sleep(wait)
        wait = min(wait * 2, 4.0)


def _wrong(declared: HttpCheck, reply: Reply) -> str:
    """What is wrong with the answer; empty when nothing is."""
    if reply.response is None:
        return reply.trouble
    if reply.response.status_code != declared.status:
        return f"status {reply.response.status_code}, not {declared.status}"
    for name, wanted in declared.answers.items():
        found = reply.response.headers.get(name)
        if found is None or wanted not in found:
            return f"the header {name} is {'missing' if found is None else shown(found)}; {shown(wanted)} must be in it"
    if declared.json is not None and (gap := difference(declared.json, json_of(reply.response), "")):
        return gap
    if declared.text is not None and declared.text not in reply.response.text:
        return f"the text {shown(declared.text)} is not in the answer"
    if declared.within is not None and reply.seconds > declared.within:
        return f"it took {reply.seconds:.3f} s; {declared.within:g} s are allowed"
    return ""


def difference(wanted: object, found: object, path: str) -> str:
    """Where `found` does not contain `wanted`: objects may hold more keys, everything else must be equal."""
    place = path or "the answer"
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return f"{place} is not a JSON object"
        for key, value in wanted.items():
            here = f"{path}.{key}" if path else str(key)
            if key not in found:
                return f"{here} is missing"
            if gap := difference(value, found[key], here):
                return gap
        return ""
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        gaps = (
            difference(want, have, f"{path}[{n}]") for n, (want, have) in enumerate(zip(wanted, found, strict=True))
        )
        return next((gap for gap in gaps if gap), "")
    same = wanted == found and isinstance(wanted, bool) == isinstance(found, bool)
    return "" if same else f"{place} is {shown(found)}, not {shown(wanted)}"
