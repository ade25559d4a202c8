"""Every call of a promotion fails once, and it is killed at every moment: the next run ends it."""

from __future__ import annotations

from faults import FAULTS, TwoReleases, ends, hits, marks
from standing import Standing

pytestmark = marks


def test_a_promotion_survives_every_call_that_fails_once(alpha: Standing) -> None:
    there = TwoReleases(alpha)
    calls = alpha.calls_of(there.promote)
    assert calls > 25
    for kind, number in hits(calls, *FAULTS):
        release, word = there.next()
        alpha.cloud.arm(kind, skip=number, seconds=0.2)
        first = alpha.run(*there.command(release))
        alpha.cloud.disarm()
        ends(alpha, first, there.again, f"{kind} at call {number}")
        assert alpha.word("alpha", "production") == word
        assert "nothing to promote" in alpha.run("promote", "--dry-run").out


def test_a_promotion_that_is_killed_at_any_call_is_finished_by_the_next(alpha: Standing) -> None:
    there = TwoReleases(alpha)
    for _, number in hits(alpha.calls_of(there.promote), "kill", every=25):
        release, word = there.next()
        before = alpha.word("alpha", "production")
        alpha.kill_at_call(number, *there.command(release))
        assert alpha.word("alpha", "production") in {before, word}
        ends(alpha, there.again(), there.again, f"killed at {number}")
        assert alpha.word("alpha", "production") == word
        assert alpha.run("status", "--json").json["next"] == ""
