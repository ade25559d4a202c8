"""Bad days of a roll back: calls that fail, answers that are lost, a process that is killed, secrets that changed."""

from __future__ import annotations

from faults import marks
from standing import KEYS, Standing

from exhaustive import EXHAUSTIVE

pytestmark = marks


def release(standing: Standing, word: str) -> str:
    """Promote a change; the version that production runs then."""
    standing.change("alpha", word)
    standing.done("deploy")
    assert standing.promote().code == 0
    return standing.live("alpha", "production")[0][0]


def by_hand(standing: Standing, version: str) -> None:
    """Somebody gives a version all of production's traffic."""
    body = {"strategy": "percentage", "versions": [{"version_id": version, "percentage": 100}]}
    script = standing.script("alpha", "production")
    standing.cloud.result("POST", f"/workers/scripts/{script}/deployments?force=true", json=body)


def test_a_roll_back_ends_at_the_good_one_whatever_call_fails_and_whenever_it_is_killed(alpha: Standing) -> None:
    good = release(alpha, "good")
    bad = release(alpha, "bad")
    alpha.done("rollback", "--yes")
    by_hand(alpha, bad)
    calls = alpha.calls_of(lambda: alpha.done("rollback", "--yes"))
    some = {"429": calls // 4, "500": calls // 2, "cut": calls // 3, "lost": calls // 2 + 1}
    every = [(kind, number) for kind in some for number in range(calls)]
    for kind, number in every if EXHAUSTIVE else some.items():
        by_hand(alpha, bad)
        alpha.cloud.arm(kind, skip=number, seconds=0.2)
        first = alpha.run("rollback", "--yes")
        alpha.cloud.disarm()
        assert "Traceback" not in first.said
        assert first.code == 0 or alpha.run("rollback", "--yes").code == 0, first.said
        assert alpha.live("alpha", "production") == [(good, 100)], f"{kind} at call {number}"
    for number in range(1, calls - 2) if EXHAUSTIVE else (calls // 2, calls - 3):
        by_hand(alpha, bad)
        assert alpha.kill_at_call(number, "rollback", "--yes")
        alpha.done("rollback", "--yes")
        assert alpha.live("alpha", "production") == [(good, 100)]
    assert alpha.word("alpha", "production") == "good"
    assert "was rolled back and is held" in alpha.run("status").out


def test_secrets_that_changed_since_are_not_brought_back_unless_it_is_meant(alpha: Standing) -> None:
    release(alpha, "good")
    bad = release(alpha, "bad")
    script = alpha.script("alpha", "production")
    told = {"name": "KEY", "text": "a-newer-key", "type": "secret_text"}
    alpha.cloud.result("PUT", f"/workers/scripts/{script}/secrets", json=told)
    assert "a secret was changed by" in alpha.run("status").out
    refused = alpha.run("rollback", "--yes")
    assert refused.code == 3
    assert "secrets changed since" in refused.err
    assert "KEY" in refused.err
    alpha.run("rollback", "--yes", "--old-secrets")
    assert alpha.cloud.fetch(script, "/word", KEYS["production"]).text == "good"
    assert alpha.live("alpha", "production")[0][0] != bad
