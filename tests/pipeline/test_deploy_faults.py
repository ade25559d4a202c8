"""Every call of a deploy fails once, and it is killed at every moment: the next run ends it."""

from __future__ import annotations

import signal
import time

from faults import FAULTS, ends, hits, marks
from standing import Standing

pytestmark = marks


def test_a_deploy_survives_every_call_that_fails_once(alpha: Standing) -> None:
    alpha.done("deploy")
    alpha.change("alpha", "counted")
    calls = alpha.calls_of(lambda: alpha.done("deploy"))
    assert calls > 15
    for kind, number in hits(calls, *FAULTS):
        word = f"{kind}-{number}"
        alpha.change("alpha", word)
        alpha.cloud.arm(kind, skip=number, seconds=0.2)
        first = alpha.run("deploy")
        alpha.cloud.disarm()
        ends(alpha, first, lambda: alpha.run("deploy"), f"{kind} at call {number}")
        assert alpha.word("alpha") == word


def test_smoke_passes_whatever_call_fails_once(alpha: Standing) -> None:
    alpha.done("deploy")
    calls = alpha.calls_of(lambda: alpha.done("smoke"))
    assert calls > 5
    for kind, number in hits(calls, *FAULTS, every=20):
        alpha.cloud.arm(kind, skip=number, seconds=0.2)
        smoked = alpha.run("smoke")
        alpha.cloud.disarm()
        assert smoked.code == 0, f"{kind} at call {number}: {smoked.said}"


def test_a_deploy_that_is_killed_at_any_call_is_finished_by_the_next(alpha: Standing) -> None:
    alpha.done("deploy")
    alpha.change("alpha", "counted")
    for _, number in hits(alpha.calls_of(lambda: alpha.done("deploy")), "kill", every=20):
        word = f"killed-{number}"
        alpha.change("alpha", word)
        alpha.kill_at_call(number, "deploy")
        ends(alpha, alpha.run("deploy"), lambda: alpha.run("deploy"), f"killed at {number}")
        assert alpha.word("alpha") == word


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
    ends(alpha, alpha.run("deploy"), lambda: alpha.run("deploy"), "after Ctrl-C")
    assert alpha.word("alpha") == "first"
