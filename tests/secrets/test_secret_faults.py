"""Every call of a push and of a rotation fails once, and every moment is one at which they are killed.

By default each fault is tried at some of the calls; CATTLEGRID_EXHAUSTIVE=1 tries every fault at every call.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from fleet import COMMAND, SecretFleet
from keys import NOW

from cattlegrid.clock import Clock
from cattlegrid.errors import CattlegridError
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.audit import audit
from cattlegrid.verbs.secrets.push import push_secrets
from cattlegrid.verbs.secrets.rotate import RotateOptions, rotate_secret
from exhaustive import EXHAUSTIVE

EVERY = 1 if EXHAUSTIVE else 12
KINDS = ("429", "500", "cut", "lost", "garbage")
STAGING = Environment.STAGING
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if EXHAUSTIVE else 300)]


@pytest.fixture
def edge(fleet: SecretFleet) -> Edge:
    """In this process, which saves the interpreter's start at each try; its waits between tries are short."""
    quick = Clock(sleep=lambda seconds: time.sleep(seconds / 20))
    return Edge(fleet.root, {**fleet.environ, **fleet.ann.environ}, quick)


def arm(fleet: SecretFleet, kind: str, **more: object) -> str:
    return str(fleet.api("POST", "/local/faults", json={"kind": kind, "route": "*/accounts/*", **more})["id"])


def fault(fleet: SecretFleet, identifier: str) -> dict[str, int]:
    found: dict[str, int] = next(one for one in fleet.api("GET", "/local/faults") if one["id"] == identifier)
    return found


def calls_of(fleet: SecretFleet, work: Callable[[], object]) -> int:
    counter = arm(fleet, "delay", skip=1_000_000)
    work()
    seen = fault(fleet, counter)["seen"]
    fleet.api("DELETE", "/local/faults")
    return seen


def chosen(calls: int, kind: str) -> Iterator[int]:
    """The calls that this fault hits; each kind begins at another one."""
    yield from range(KINDS.index(kind) * 2 % EVERY if kind in KINDS else 0, calls, EVERY)


def despite(fleet: SecretFleet, kind: str, number: int, work: Callable[[], object]) -> None:
    """The work with one call that fails. Where it then ends with an error, the same work again ends well."""
    arm(fleet, kind, skip=number, seconds=0.1)
    try:
        work()
        said = ""
    except CattlegridError as error:
        said = f"{error.code}: {error}"
    fleet.api("DELETE", "/local/faults")
    assert fleet.status("api-staging", fleet.value("API_KEY")) == 200, f"{kind} at call {number}: {said}"
    if said:
        work()


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_survives_every_call_that_fails_once(fleet: SecretFleet, edge: Edge, kind: str) -> None:
    calls = calls_of(fleet, lambda: push_secrets(edge))
    assert calls > 12
    for number in chosen(calls, kind):
        value = f"a-value-of-{kind}-at-call-{number}"
        fleet.ann.store(fleet.root).change({"WATCH_KEY": Secret(value)}, NOW)
        despite(fleet, kind, number, lambda: push_secrets(edge))
        assert fleet.status("watch-staging", value) == 200
    assert audit(edge, live_checks=False).outcome is Outcome.PASS


@pytest.mark.parametrize("kind", ["429", "500", "cut", "lost"])
def test_a_rotation_survives_every_call_that_fails_once_and_refuses_nobody(
    fleet: SecretFleet, edge: Edge, kind: str
) -> None:
    def rotate() -> object:
        return rotate_secret(edge, STAGING, "API_KEY")

    def finish() -> object:
        return rotate_secret(edge, STAGING, "API_KEY", RotateOptions(finish=True))

    calls = calls_of(fleet, rotate), calls_of(fleet, finish)
    for number in chosen(max(calls), kind):
        old = fleet.value("API_KEY")
        despite(fleet, kind, number, rotate)
        new = fleet.value("API_KEY")
        assert new != old
        assert (fleet.status("api-staging", old), fleet.status("api-staging", new)) == (200, 200)
        despite(fleet, kind, number, finish)
        assert (fleet.status("api-staging", old), fleet.status("api-staging", new)) == (401, 200)
    assert audit(edge, live_checks=False).outcome is Outcome.PASS


def killed_at(fleet: SecretFleet, number: int, *words: str) -> bool:
    """Start it, and kill it while its `number`th call of the API is under way; False when it ended before."""
    identifier = arm(fleet, "delay", skip=number, seconds=1.0)
    env = {**fleet.environ, **fleet.ann.environ}
    with subprocess.Popen([*COMMAND, *words], cwd=fleet.root, env=env, stdout=subprocess.DEVNULL) as program:
        while program.poll() is None:
            if fault(fleet, identifier)["hit"]:
                program.send_signal(signal.SIGKILL)
                break
            time.sleep(0.01)
        hit = program.wait() == -signal.SIGKILL
    fleet.api("DELETE", "/local/faults")
    return hit


def test_a_push_that_is_killed_at_any_call_is_finished_by_the_next(fleet: SecretFleet) -> None:
    number = 0
    while killed_at(fleet, number, "secrets", "push"):
        assert fleet.status("api-staging", fleet.value("API_KEY")) == 200
        number += EVERY
    assert number > 12
    fleet.done("secrets", "push")
    fleet.done("secrets", "audit")


def test_a_rotation_that_is_killed_at_any_call_goes_on_and_refuses_nobody(fleet: SecretFleet) -> None:
    before = fleet.value("API_KEY")
    for words in (("secrets", "rotate", "API_KEY"), ("secrets", "rotate", "API_KEY", "--finish")):
        number = 0
        while killed_at(fleet, number, *words):
            assert fleet.status("api-staging", fleet.value("API_KEY")) == 200
            number += 1 if EXHAUSTIVE else 4
        assert number >= 4
        fleet.done(*words)
    assert fleet.value("API_KEY") != before
    assert (fleet.status("api-staging", before), fleet.status("api-staging", fleet.value("API_KEY"))) == (401, 200)
    fleet.done("secrets", "audit")
