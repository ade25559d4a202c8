"""The mirror on the real D1 engine, through the API."""

from __future__ import annotations

import pytest
from exactly import content
from grounds import Road

from cattlegrid.model.check import Outcome

pytestmark = pytest.mark.slow


def test_a_nasty_database_arrives_on_d1_bit_for_bit(road: Road) -> None:
    copied = road.mirror()
    assert copied.outcome is Outcome.PASS, copied.checks
    assert copied.exact
    assert len(content(road.cloud.file(road.staging))) > 20
    assert road.exact()


def test_small_chunks_make_no_difference(road: Road) -> None:
    assert road.mirror(size=60_000).outcome is Outcome.PASS
    assert road.exact()
