"""What a promotion writes into production's deployments, and what another clone reads from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cattlegrid.errors import Locked
from cattlegrid.model.version import Deployment
from cattlegrid.release.live import Live
from cattlegrid.release.promotion import marks
from cattlegrid.release.promotion.marks import Mark, Stage
from cattlegrid.release.promotion.turn import PATIENCE, refuse_other

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
VERSION = "0b3a1e1c-7d1f-4a3c-9f52-2d1f9a7c5b10"


def production(mark: Mark, at: datetime = NOW) -> dict[str, Live]:
    deployment = Deployment("d", at, "bob", "api", mark.message, ((VERSION, 100.0),))
    return {"alpha": Live("alpha-script", deployment)}


@pytest.mark.parametrize(
    "mark",
    [
        Mark("verified", "0123456789ab", VERSION, checks=(99, 9999)),
        Mark("returned", "0123456789ab", VERSION, by="00c0ffee"),
        Mark("ahead", "0123456789ab", by="00c0ffee"),
        Mark("held", "0123456789ab"),
    ],
)
def test_a_mark_is_read_as_it_was_written_and_fits_into_cloudflare_s_hundred_bytes(mark: Mark) -> None:
    assert marks.read(mark.message) == mark
    assert len(mark.message.encode()) <= 100


@pytest.mark.parametrize("stage", ["ahead", "live"])
def test_another_clone_s_promotion_is_waited_for_and_named(stage: Stage) -> None:
    there = production(Mark(stage, "0123456789ab", by="00c0ffee"), NOW - timedelta(seconds=70))
    with pytest.raises(Locked, match=f"another clone promotes release 0123456789ab: alpha is {stage} since 19:58:50"):
        refuse_other(there, "deadbeef", NOW)


@pytest.mark.parametrize(
    ("mark", "ago"),
    [
        (Mark("ahead", "0123456789ab", by="deadbeef"), timedelta()),
        (Mark("ahead", "0123456789ab", by="00c0ffee"), PATIENCE + timedelta(seconds=1)),
        (Mark("returned", "0123456789ab", by="00c0ffee"), timedelta()),
        (Mark("verified", "0123456789ab", VERSION), timedelta()),
    ],
    ids=["this clone's own, which was killed", "silent for too long", "it has gone back", "it has ended"],
)
def test_a_promotion_that_is_not_under_way_elsewhere_is_not_waited_for(mark: Mark, ago: timedelta) -> None:
    refuse_other(production(mark, NOW - ago), "deadbeef", NOW)
