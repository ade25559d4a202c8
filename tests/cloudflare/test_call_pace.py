"""Calls beyond Cloudflare's limit: counted by the local Cloudflare's own limiter, on a clock that only waits move."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from answering import Call, Says, answering, no, ok
from cattlegrid.clock import Clock
from cattlegrid.cloudflare import pace
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.pace import Pace
from cattlegrid.local.envelope import ApiError
from cattlegrid.local.limiter import Limiter, Quota
from cattlegrid.model.secret import Secret
from cattlegrid.model.stamp import Digests, Stamp
from cattlegrid.model.target import Account
from cattlegrid.release.promotion.candidate import Part
from cattlegrid.release.promotion.plan import How, PromotionPlan, PromotionStep
from cattlegrid.secrets.push import PushPlan


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> Clock:
        return Clock(now=lambda: datetime(2026, 11, 24, tzinfo=UTC), monotonic=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_calls_beyond_the_limit_wait_for_the_next_window_say_so_and_none_is_refused() -> None:
    time, limiter, refused = Time(), Limiter(Quota(calls=120)), []
    told: list[tuple[int, float]] = []

    def answer(_: Call) -> Says:
        try:
            return replace(ok([]), headers=limiter.allow("token", time.now))
        except ApiError:
            refused.append(time.now)
            return no(429, 971, "throttled")

    with answering(answer) as server:
        account = Account(server.url, "acc", Secret("s3cret-token"))
        shared = Pace(lambda left, seconds: told.append((left, seconds)))
        one, other = (Client(account, clock=time.clock(), pace=shared) for _ in range(2))
        with one, other:
            for _ in range(225):
                one.get("/x")
                other.get("/x")
    assert refused == []
    assert told == [(20, 300.0)] * 4


def test_an_answer_of_the_window_that_was_waited_for_comes_too_late_to_count() -> None:
    time = Time()
    shared = Pace()
    shared.heard('"default";r=10;t=300', '"default";q=1200;w=300', time.now)
    shared.wait(time.clock())
    shared.heard('"default";r=9;t=300', '"default";q=1200;w=300', 0.5)
    shared.wait(time.clock())
    assert time.now == 300


def test_without_the_headers_nothing_waits() -> None:
    time = Time()
    with (
        answering(lambda _: ok([])) as server,
        Client(Account(server.url, "acc", Secret("t")), clock=time.clock()) as one,
    ):
        for _ in range(5):
            one.get("/x")
    assert time.now == 0


@pytest.mark.parametrize(("calls", "seconds"), [(0, 0), (1200, 0), (1201, 300), (4500, 900), (30_000, 7200)])
def test_so_many_calls_take_so_many_windows(calls: int, seconds: float) -> None:
    assert pace.least(calls) == seconds


def test_a_promotion_of_a_hundred_workers_says_before_it_starts_that_it_is_paced() -> None:
    assert pace.told(_promotion(8).calls) == ""
    said = pace.told(_promotion(100).calls)
    assert re.fullmatch(r"about \d{4} calls, and Cloudflare allows 1200 in .*: they are paced, over \d\d minutes", said)


def _promotion(workers: int) -> PromotionPlan:
    stamp = Stamp("c" * 16, Digests(*["d" * 12] * 4))
    step = PromotionStep(
        "w", "w", Part("w", "w", "v", stamp), stamp, None, "", How.AHEAD, "", "", PushPlan("w", "w", (), (), (), ())
    )
    return PromotionPlan("0" * 12, "", (), (), (step,) * workers, (), {}, {})
