"""The HTTP checks that `cattlegrid.toml` declares."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from cattlegrid.clock import Clock
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.fleet import Auth, HttpCheck
from cattlegrid.release.smoke.health import PATIENCE, answers_another
from cattlegrid.release.smoke.subject import Reply, Subject, ask, json_of, shown
from cattlegrid.secrets.store import Stored

_BEARER = Auth("Authorization", "Bearer", "")


def run(http: httpx2.Client, subject: Subject, declared: HttpCheck, stored: Stored, clock: Clock) -> Check:
    """A failure counts at once, except while another version is seen to answer: then it is asked again."""
    key = None
    if declared.auth not in {None, "none"}:
        secret = stored.values.get(str(declared.auth))
        if secret is None:
            detail = f"{declared.auth} of {stored.environment} is not here: {stored.how_to_add(str(declared.auth))}"
            return subject.check(declared.name, Outcome.NOT_MEASURED, detail)
        key = (subject.deployable.worker.auth or _BEARER, secret)
    started, wait = clock.monotonic(), 0.25
    while True:
        reply = ask(http, subject, declared.path, method=declared.method, headers=declared.headers, key=key)
        wrong = _wrong(declared, reply)
        if not wrong:
            return subject.check(declared.name, Outcome.PASS, "", reply.seconds)
        out_of_time = clock.monotonic() - started + wait > PATIENCE
        if out_of_time or not answers_another(http, subject):
            return subject.check(declared.name, Outcome.FAIL, wrong, reply.seconds)
        clock.sleep(wait)
        wait = min(wait * 2, 4.0)


def _wrong(declared: HttpCheck, reply: Reply) -> str:
    """What is wrong with the answer; empty when nothing is."""
    if reply.response is None:
        return reply.trouble
    if reply.response.status_code != declared.status:
        return f"status {reply.response.status_code}, not {declared.status}"
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
