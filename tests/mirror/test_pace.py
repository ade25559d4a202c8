from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cattlegrid.clock import Clock
from cattlegrid.errors import ApiError
from cattlegrid.mirror.pace import Pace, TooMuch


class Hours:
    """A clock that is where its sleepers have brought it."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: datetime(2026, 11, 25, tzinfo=UTC), lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_no_five_minutes_ever_see_more_than_1200_calls() -> None:
    hours = Hours()
    pace = Pace(hours.clock())
    made = []
    for _ in range(3000):
        pace.call(lambda: made.append(hours.now))
    assert max(sum(start <= one < start + 300 for one in made) for start in made[::50]) == 1100
    assert made[-1] == 600.0


def test_a_block_is_waited_out_and_the_call_made_again() -> None:
    hours = Hours()
    answers = [ApiError("Please wait", status=429), None]
    answers[0].retry_after = 120.0  # type: ignore[union-attr]

    def ask() -> str:
        if (error := answers.pop(0)) is not None:
            raise error
        return "done"

    assert Pace(hours.clock()).call(ask) == "done"
    assert hours.now == 120.0


@pytest.mark.parametrize("error", [ApiError("", status=413), ApiError("isolate exceeded its memory limit", status=500)])
def test_a_call_that_is_too_much_says_so(error: ApiError) -> None:
    def ask() -> None:
        raise error

    with pytest.raises(TooMuch):
        Pace(Hours().clock()).call(ask)


def test_slow_calls_make_the_next_ones_smaller_and_quick_ones_larger_again() -> None:
    pace = Pace(Hours().clock())
    shares = []
    for seconds, engine in ((1.0, 900.0), (1.0, 1100.0), (6.0, 0.0), (9.0, 0.0), (9.0, 0.0), (2.0, 0.0), (1.0, 10.0)):
        pace.felt(seconds, engine)
        shares.append(pace.share)
    assert shares == [1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 3 / 16]
