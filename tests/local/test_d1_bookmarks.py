from __future__ import annotations

import pytest

from cattlegrid.local.api.d1_bookmarks import (
    KEPT_SNAPSHOTS,
    BookmarkError,
    Snapshot,
    at_bookmark,
    at_time,
    bookmark,
    digest_of,
    is_due,
    number_of,
    surplus,
)

DAY = 24 * 3600.0


def state(number: int, since: float, *, pinned: bool = False, until: float | None = None) -> Snapshot:
    return Snapshot(bookmark(number, 3, f"{number:032x}"), since, until or since, 0.01, pinned)


def test_a_bookmark_carries_its_number_and_its_digest() -> None:
    name = bookmark(27, 3, "ab" * 16)
    assert name == "0000001b-00000003-00000000-abababababababababababababababab"
    assert (number_of(name), digest_of(name)) == (27, "ab" * 16)


def test_a_later_state_has_a_bookmark_that_sorts_later() -> None:
    assert bookmark(9, 3, "f" * 32) < bookmark(10, 1, "0" * 32)


def test_a_moment_between_two_writes_is_the_state_of_the_first() -> None:
    states = [state(0, 100), state(1, 200), state(2, 300)]
    assert at_time(states, 299.9, now=400).bookmark == states[1].bookmark
    assert at_time(states, 300, now=400).bookmark == states[2].bookmark


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (40 * DAY + 1, "must not be in the future"),
        (9 * DAY, "within the last 30 days"),
        (15 * DAY, "before this database was created"),
    ],
)
def test_a_moment_that_cannot_be_restored_is_refused_with_the_reason(moment: float, words: str) -> None:
    with pytest.raises(BookmarkError, match=words):
        at_time([state(0, 20 * DAY)], moment, now=40 * DAY)


def test_an_unknown_or_misshapen_bookmark_is_refused() -> None:
    states = [state(0, 100)]
    assert at_bookmark(states, states[0].bookmark) is states[0]
    with pytest.raises(BookmarkError, match="not valid"):
        at_bookmark(states, "yesterday")
    with pytest.raises(BookmarkError, match="names no state"):
        at_bookmark(states, bookmark(7, 3, "7" * 32))


def test_snapshots_before_writes_take_at_most_a_twentieth_of_the_time() -> None:
    quick, slow = state(1, 100), Snapshot(bookmark(1, 3, "0" * 32), 100, 100, 2.0, pinned=False)
    assert is_due(None, now=100)
    assert not is_due(quick, now=100.9)
    assert is_due(quick, now=101)
    assert not is_due(slow, now=139)
    assert is_due(slow, now=140)


def test_too_many_snapshots_lose_the_crowded_ones_and_never_first_last_or_pinned() -> None:
    sparse = [state(number, 1000.0 * number) for number in range(40)]
    crowd = [state(number, 50_000 + number, pinned=number == 45) for number in range(40, 60)]
    gone = surplus([*sparse, *crowd], now=60_000)
    assert len(gone) == 60 - KEPT_SNAPSHOTS
    assert {number_of(one.bookmark) for one in gone} <= set(range(40, 59)) - {45}


def test_snapshots_past_thirty_days_are_forgotten_even_when_pinned_but_the_newest_stays() -> None:
    old, newest = state(0, 0, pinned=True), state(1, 1)
    assert surplus([old, newest], now=31 * DAY) == [old]
