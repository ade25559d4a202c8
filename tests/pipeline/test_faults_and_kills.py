"""Every call of the API fails once, and every moment is one at which cattlegrid is killed: the next run ends it.

By default each fault is tried at some of the calls; CATTLEGRID_EXHAUSTIVE=1 tries every fault at every call.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from standing import Standing

from ran import Ran

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if "CATTLEGRID_EXHAUSTIVE" in os.environ else 600)]
EVERY = 1 if "CATTLEGRID_EXHAUSTIVE" in os.environ else 30
FAULTS = ("429", "500", "cut", "lost")


def _chosen(calls: int, kind: str) -> Iterator[int]:
    """The calls that this fault hits; each fault begins at another one."""
    offset = FAULTS.index(kind) * 7 if kind in FAULTS else 1
    yield from range(offset % EVERY, calls, EVERY)


def _ends(standing: Standing, first: Ran, again: Callable[[], Ran], where: str) -> None:
    """The first run did it, or said what went wrong and what to type; the second did it then."""
    if first.code == 0:
        return
    assert "Traceback" not in first.said, f"{where}: {first.said}"
    assert "next: " in first.said or "✗" in first.said, f"{where}: it ended with {first.code} and said {first.said}"
    second = again()
    assert second.code == 0, f"{where}: the second run ended with {second.code}:\n{second.said}\nafter\n{first.said}"


@pytest.mark.parametrize("kind", FAULTS)
def test_a_deploy_survives_every_call_that_fails_once(alpha: Standing, kind: str) -> None:
    alpha.done("deploy")
    alpha.change("alpha", "counted")
    calls = alpha.calls_of(lambda: alpha.done("deploy"))
    assert calls > 15
    for number in _chosen(calls, kind):
        word = f"{kind}-{number}"
        alpha.change("alpha", word)
        alpha.cloud.arm(kind, skip=number, seconds=0.2)
        first = alpha.run("deploy")
        alpha.cloud.disarm()
        _ends(alpha, first, lambda: alpha.run("deploy"), f"{kind} at call {number}")
        assert alpha.word("alpha") == word


@pytest.mark.parametrize("kind", FAULTS)
def test_a_promotion_survives_every_call_that_fails_once(alpha: Standing, kind: str) -> None:
    there = _TwoReleases(alpha)
    calls = alpha.calls_of(there.promote)
    assert calls > 25
    for number in _chosen(calls, kind):
        release, word = there.next()
        alpha.cloud.arm(kind, skip=number, seconds=0.2)
        first = alpha.run(*there.command(release))
        alpha.cloud.disarm()
        _ends(alpha, first, there.again, f"{kind} at call {number}")
        assert alpha.word("alpha", "production") == word
        assert "nothing to promote" in alpha.run("promote", "--dry-run").out


def test_smoke_passes_whatever_call_fails_once(alpha: Standing) -> None:
    alpha.done("deploy")
    calls = alpha.calls_of(lambda: alpha.done("smoke"))
    assert calls > 5
    for kind in FAULTS:
        for number in range(0, calls, 1 if EVERY == 1 else calls // 2):
            alpha.cloud.arm(kind, skip=number, seconds=0.2)
            smoked = alpha.run("smoke")
            alpha.cloud.disarm()
            assert smoked.code == 0, f"{kind} at call {number}: {smoked.said}"


def test_a_deploy_that_is_killed_at_any_call_is_finished_by_the_next(alpha: Standing) -> None:
    alpha.done("deploy")
    alpha.change("alpha", "counted")
    for number in _chosen(alpha.calls_of(lambda: alpha.done("deploy")), "kill"):
        word = f"killed-{number}"
        alpha.change("alpha", word)
        alpha.kill_at_call(number, "deploy")
        _ends(alpha, _after_a_kill(lambda: alpha.run("deploy")), lambda: alpha.run("deploy"), f"killed at {number}")
        assert alpha.word("alpha") == word


def test_a_promotion_that_is_killed_at_any_call_is_finished_by_the_next(alpha: Standing) -> None:
    there = _TwoReleases(alpha)
    for number in _chosen(alpha.calls_of(there.promote), "kill"):
        release, word = there.next()
        before = alpha.word("alpha", "production")
        alpha.kill_at_call(number, *there.command(release))
        assert alpha.word("alpha", "production") in {before, word}
        _ends(alpha, _after_a_kill(there.again), there.again, f"killed at {number}")
        assert alpha.word("alpha", "production") == word
        assert alpha.run("status", "--json").json["next"] == ""


def test_ctrl_c_says_that_the_same_command_finishes_it(alpha: Standing) -> None:
    fault = alpha.cloud.arm("delay", method="PUT", seconds=3.0)
    program = alpha.start("deploy")
    while not alpha.cloud.fault(fault)["hit"]:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    said, _ = program.communicate()
    assert program.returncode == 130
    assert "run it again" in said
    assert "Traceback" not in said
    alpha.cloud.disarm()
    _ends(alpha, alpha.run("deploy"), lambda: alpha.run("deploy"), "after Ctrl-C")
    assert alpha.word("alpha") == "first"


class _TwoReleases:
    """Staging is switched between two deployed versions, so that each promotion has something to carry."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        standing.done("deploy")
        self.versions = [(standing.live("alpha")[0][0], "first")]
        assert standing.promote().code == 0
        standing.change("alpha", "second")
        standing.done("deploy")
        self.versions.append((standing.live("alpha")[0][0], "second"))

    def next(self) -> tuple[str, str]:
        """The release that staging has now and production has not, and what its page says."""
        self.versions.reverse()
        version, word = self.versions[1]
        script = self.standing.script("alpha")
        notes = self.standing.cloud.result("GET", f"/workers/scripts/{script}/versions/{version}")["annotations"]
        body = {
            "strategy": "percentage",
            "versions": [{"version_id": version, "percentage": 100}],
            "annotations": {"workers/message": notes["workers/message"]},  # as a deploy of it says; otherwise drift
        }
        self.standing.cloud.result("POST", f"/workers/scripts/{script}/deployments", json=body)
        return self.release(), word

    def release(self) -> str:
        looked = self.standing.run("promote", "--dry-run", "--json", "--allow-rollback")
        return str(json.loads(looked.out)["plan"]["release"])

    def command(self, release: str) -> tuple[str, ...]:
        return ("promote", "--release", release, "--allow-rollback")

    def promote(self) -> None:
        ran = self.standing.run(*self.command(self.release()))
        assert ran.code == 0, ran.said

    def again(self) -> Ran:
        return self.standing.run(*self.command(self.release()))


def _after_a_kill(run: Callable[[], Ran]) -> Ran:
    """What the killed run had started (wrangler) may still be at it; the next run is typed at once all the same."""
    return run()
