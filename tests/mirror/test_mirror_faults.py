"""What goes wrong on the way: every call, by every fault, and the copy is exact or the command fails loudly."""

from __future__ import annotations

import threading

import pytest
from grounds import Fault, Road

from cattlegrid.cloudflare import d1
from cattlegrid.mirror import portion
from cattlegrid.mirror.portion import Portion
from cattlegrid.model.check import Outcome

pytestmark = pytest.mark.slow
CALLS = "*/d1/database/*"


@pytest.mark.parametrize("kind", ["500", "cut", "lost", "429"])
def test_calls_that_fail_now_and_then_leave_no_trace(road: Road, fault: Fault, kind: str) -> None:
    fault(kind, route=CALLS, method="POST", count=8, chance=0.15, seed=5, seconds=0.0)
    assert road.mirror(size=150_000).outcome is Outcome.PASS
    assert road.exact()


def test_a_write_whose_answer_is_lost_is_written_once(road: Road, fault: Fault) -> None:
    fault("lost", route=f"*/{road.staging.id}/raw", method="POST", count=3, skip=4)
    assert road.mirror(size=150_000).outcome is Outcome.PASS
    assert road.exact()


def test_a_slow_database_is_asked_for_less_at_a_time(road: Road, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portion, "SLOW", 0.05)
    fault("delay", route=CALLS, method="POST", count=1000, seconds=0.1)
    asked = Portion()
    assert road.mirror(portion=asked).outcome is Outcome.PASS
    assert asked.share == 1 / 8
    assert road.exact()


def test_writers_on_production_are_caught_up_with(road: Road) -> None:
    stop = threading.Event()

    def write() -> None:
        for number in range(40):
            if stop.wait(0.05):
                return
            sql = f"INSERT INTO counted (v) VALUES ('late {number}'); UPDATE named SET v = {number} WHERE k = 'k1'"
            d1.write(road.cloud.client, road.production.id, sql)

    writing = threading.Thread(target=write)
    writing.start()
    copied = road.mirror(size=60_000)
    stop.set()
    writing.join()
    assert copied.outcome is Outcome.PASS
    assert copied.recopied > 0
    if not copied.exact:
        assert "production was written to all the while" in copied.interval
