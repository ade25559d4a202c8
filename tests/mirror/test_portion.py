from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cattlegrid.clock import Clock
from cattlegrid.errors import ApiError
from cattlegrid.mirror.portion import Portion, TooMuch, patiently


def test_a_block_is_waited_out_and_the_call_made_again() -> None:
    slept: list[float] = []
    clock = Clock(lambda: datetime(2026, 11, 25, tzinfo=UTC), lambda: sum(slept), slept.append)
    answers = [ApiError("Please wait", status=429), None]
    answers[0].retry_after = 120.0  # type: ignore[union-attr]

    def ask() -> str:
        if (error := answers.pop(0)) is not None:
            raise error
        return "done"

    assert patiently(clock, ask) == "done"
    assert slept == [120.0]


@pytest.mark.parametrize("error", [ApiError("", status=413), ApiError("isolate exceeded its memory limit", status=500)])
def test_a_call_that_is_too_much_says_so(error: ApiError) -> None:
    def ask() -> None:
        raise error

    with pytest.raises(TooMuch):
        patiently(Clock(), ask)


def test_slow_calls_make_the_next_ones_smaller_and_quick_ones_larger_again() -> None:
    portion = Portion()
    shares = []
    for seconds, engine in ((1.0, 900.0), (1.0, 1100.0), (6.0, 0.0), (9.0, 0.0), (9.0, 0.0), (2.0, 0.0), (1.0, 10.0)):
        portion.felt(seconds, engine)
        shares.append(portion.share)
    assert shares == [1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 3 / 16]
