from __future__ import annotations

import pytest

from cattlegrid.mirror import originals
from cattlegrid.mirror.originals import Originals


def test_what_was_seen_is_found_again_and_nothing_else_is() -> None:
    seen = Originals()
    assert not seen.any(["before anything"])
    seen.add(f"original {number}" for number in range(50_000))
    assert all(seen.any([f"original {number}"]) for number in range(50_000))
    assert not seen.any(f"another {number}" for number in range(50_000))
    assert not seen.full


def test_texts_whose_places_are_taken_are_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "_SLOTS", 16)
    monkeypatch.setattr(originals, "_PLACE", 15)
    seen = Originals()
    seen.add(f"original {number}" for number in range(12))
    assert all(seen.any([f"original {number}"]) for number in range(12))
    assert not seen.any(f"another {number}" for number in range(1000))


def test_more_than_fit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "MOST", 10)
    seen = Originals()
    seen.add(f"original {number % 10}" for number in range(100))
    assert not seen.full
    seen.add(["one more"])
    assert seen.full
