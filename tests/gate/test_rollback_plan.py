"""Where a roll back goes, from the deployments that Cloudflare shows: the newest ten, marked by promotions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cattlegrid.model.stamp import Digests, Stamp
from cattlegrid.model.version import Deployment, Version
from cattlegrid.release.live import Live
from cattlegrid.release.promotion.marks import Mark, Stage
from cattlegrid.release.rollback.plan import Past, RollbackPlan, plan

START = datetime(2026, 11, 25, tzinfo=UTC)
STAMP = Stamp("c" * 16, Digests(*["d" * 12] * 4))
A, B, C, D = (letter * 8 + "-0000-4000-8000-000000000000" for letter in "abcd")
R1, R2, R3 = ("1" * 12, "2" * 12, "3" * 12)


def past(*told: tuple[int, str, Stage, str, str] | tuple[int, str]) -> Past:
    """(hour, version, stage, release, last) of a promotion, (hour, version) of a deploy by hand; oldest first."""
    deployed = tuple(
        Deployment(
            f"d{hour}", START + timedelta(hours=hour), "ann", "api",
            Mark(*mark).message if mark else "", ((version, 100.0),),
        )
        for hour, version, *mark in told
    )[::-1]  # fmt: skip
    newest = deployed[0]
    by_hand = not newest.message
    version = Version(newest.traffic[0][0], 1, newest.created_on, "ann", "api", "upload", "", "", "etag")
    drift = "it was deployed by ann, not by cattlegrid" if by_hand else None
    return Past(Live("context", newest, version, None if by_hand else STAMP, drift), deployed)


def goes(found: RollbackPlan) -> dict[str, str]:
    return {step.worker: step.to for step in found.steps}


def test_a_verified_release_goes_back_to_the_one_verified_before_it() -> None:
    one = past((1, A, "verified", R1, ""), (2, B, "live", R2, A), (3, B, "verified", R2, A))
    (step,) = plan({"context": one}, whole=True).steps
    assert (step.to, step.held, step.last) == (A, R1, "")


def test_after_a_roll_back_and_a_new_release_it_goes_to_the_good_one_and_not_to_the_bad_one() -> None:
    one = past((1, A, "verified", R1, ""), (2, B, "verified", R2, A), (3, A, "held", R1, ""), (4, C, "verified", R3, A))
    assert goes(plan({"context": one}, whole=True)) == {"context": A}


def test_rolling_back_again_changes_nothing() -> None:
    one = past((1, A, "verified", R1, D), (2, B, "verified", R2, A), (3, A, "held", R1, D))
    found = plan({"context": one}, whole=True)
    assert goes(found) == {}
    assert found.stays == (("context", f"was rolled back already and is held at {R1}"),)


def test_three_deploys_by_hand_go_back_to_what_was_verified_before_them_all() -> None:
    one = past((1, A, "verified", R1, D), (2, B), (3, C), (4, B))
    assert goes(plan({"context": one}, whole=True)) == {"context": A}


def test_a_promotion_that_went_back_by_itself_stays_where_it_is() -> None:
    one = past((1, A, "verified", R1, D), (2, B, "ahead", R2, A), (3, A, "returned", R2, A))
    found = plan({"context": one}, whole=True)
    assert found.stays == (("context", "runs what was last verified"),)


def test_a_promotion_that_was_killed_after_the_switch_goes_back() -> None:
    one = past((1, A, "verified", R1, D), (2, B, "live", R2, A))
    assert goes(plan({"context": one}, whole=True)) == {"context": A}


def test_a_good_version_that_cloudflare_shows_no_longer_is_still_found() -> None:
    one = past(*((hour, B, "returned", R2, A) for hour in range(1, 9)), (9, B, "verified", R2, A))
    (step,) = plan({"context": one}, whole=True).steps
    assert step.to == A
    assert len(step.held) == 12


def test_the_whole_takes_back_only_the_workers_of_the_newest_release() -> None:
    both = {
        "context": past((1, A, "verified", R1, D), (3, B, "verified", R2, A)),
        "watch": past((2, C, "verified", R1, D)),
    }
    assert goes(plan(both, whole=True)) == {"context": A}


def test_a_worker_that_is_named_goes_back_whatever_release_it_is_of() -> None:
    assert goes(plan({"watch": past((2, C, "verified", R1, D))}, whole=False)) == {"watch": D}


def test_what_was_never_verified_goes_back_first_and_alone() -> None:
    both = {"context": past((1, A, "verified", R1, D), (2, B)), "watch": past((3, C, "verified", R2, D))}
    assert goes(plan(both, whole=True)) == {"context": A}


def test_after_one_worker_of_a_release_went_back_the_whole_takes_the_other_too() -> None:
    both = {
        "context": past((1, A, "verified", R1, ""), (2, B, "verified", R2, A), (3, A, "held", R1, "")),
        "watch": past((1, C, "verified", R1, ""), (2, D, "verified", R2, C)),
    }
    assert goes(plan(both, whole=True)) == {"watch": C}


def test_after_a_roll_back_an_older_release_of_another_worker_stays() -> None:
    both = {
        "context": past((1, A, "verified", R1, ""), (2, B, "verified", R2, A), (3, A, "held", R1, "")),
        "watch": past((1, C, "verified", R1, D)),
    }
    assert goes(plan(both, whole=True)) == {}


def test_a_first_release_has_nothing_to_go_back_to() -> None:
    found = plan({"context": past((1, A, "verified", R1, ""))}, whole=True)
    assert found.stays == (("context", "has no earlier version that was verified in production"),)
