from __future__ import annotations

from typing import Any

import pytest

from cattlegrid.local.runtime.tails import Tails, wanted

EVENT: dict[str, Any] = {
    "outcome": "ok",
    "scriptVersion": {"id": "v1"},
    "logs": [{"message": ["found the kettle", 1]}],
    "event": {"request": {"method": "GET", "headers": {"x-who": "me and you", "cf-connecting-ip": "127.0.0.1"}}},
}
CRON: dict[str, Any] = {"outcome": "exception", "logs": [], "event": {"cron": "* * * * *"}}


@pytest.mark.parametrize(
    ("criterion", "event", "cron"),
    [
        ({"outcome": ["exception", "unknown"]}, False, True),
        ({"method": ["get"]}, True, False),
        ({"header": {"key": "X-Who"}}, True, False),
        ({"header": {"key": "x-who", "query": "you"}}, True, False),
        ({"header": {"key": "x-who", "query": "them"}}, False, False),
        ({"client_ip": ["127.0.0.1"]}, True, False),
        ({"query": "kettle"}, True, False),
        ({"scriptVersion": "v1"}, True, False),
        ({"sampling_rate": 0.0}, False, False),
        ({"sampling_rate": 1.0}, True, True),
    ],
)
def test_a_criterion_chooses_events(criterion: dict[str, Any], event: bool, cron: bool) -> None:
    assert (wanted(EVENT, [criterion]), wanted(CRON, [criterion])) == (event, cron)


def test_an_event_must_meet_every_criterion_and_meets_none_at_all() -> None:
    assert wanted(EVENT, [])
    assert wanted(EVENT, [{"outcome": ["ok"]}, {"query": "found"}])
    assert not wanted(EVENT, [{"outcome": ["ok"]}, {"query": "lost"}])


def test_a_worker_is_followed_by_its_own_tails_only() -> None:
    tails = Tails()
    one, _ = tails.start("one", []), tails.start("two", [])
    assert tails.of("one") == [one]
    assert tails.of("three") == []
