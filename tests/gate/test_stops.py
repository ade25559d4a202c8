"""What stops a promotion: rejections, holds, roll backs, and a candidate that has not stood long enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from answering import answering, ok
from cattlegrid.clock import Clock
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account, Target
from cattlegrid.model.version import Deployment, Version
from cattlegrid.release.examine import Place
from cattlegrid.release.gate import judge
from cattlegrid.release.gate.records import Records
from cattlegrid.release.live import Live
from cattlegrid.verbs.candidate import now
from cattlegrid.verbs.edge import Edge
from people import MANIFEST, NOW, Kind, Person, case, person, rules


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("ann"), "ann")


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("eve"), "eve")


def live(message: str = "", at: timedelta = timedelta()) -> dict[str, Live]:
    deployment = Deployment("d", NOW - at, "ann@example.com", "api", message, (("v", 100.0),))
    version = Version("v", 1, NOW, "ann@example.com", "api", "upload", "", "", "etag")
    return {"context": Live("context", deployment, version)}


def test_a_rejection_by_anybody_stops_its_release_and_shows_the_reason(ann: Person, eve: Person) -> None:
    no = eve.says(Kind.REJECT, MANIFEST.name, signed=False, reason="it leaks")
    check = judge.rejection(case(rules(ann.approver()), no))
    assert check.outcome is Outcome.FAIL
    assert "reject reject-eve by eve at 2026-11-25 20:00 UTC: it leaks; cattlegrid unhold reject-eve" in check.detail


def test_a_rejection_of_another_release_stops_nothing(ann: Person) -> None:
    no = ann.says(Kind.REJECT, "ffffffffffff")
    assert judge.rejection(case(rules(ann.approver()), no)).outcome is Outcome.PASS


def test_a_hold_is_lifted_by_an_approver_and_by_nobody_else(ann: Person, eve: Person) -> None:
    hold = eve.says(Kind.HOLD, "production", signed=False, reason="holidays")
    by_eve, by_ann = (one.says(Kind.LIFT, hold.id) for one in (eve, ann))
    unsigned = ann.says(Kind.LIFT, hold.id, signed=False)
    asked = rules(ann.approver())
    held = judge.holds(case(asked, hold, by_eve, unsigned), {})
    assert held.outcome is Outcome.FAIL
    assert "2 attempts to lift it are not signed by an approver" in held.detail
    assert judge.holds(case(asked, hold, by_eve, by_ann), {}).outcome is Outcome.PASS


def test_without_signatures_in_the_rules_anybody_lifts_a_hold(eve: Person) -> None:
    hold = eve.says(Kind.HOLD, "production", signed=False)
    lift = eve.says(Kind.LIFT, hold.id, signed=False)
    assert judge.holds(case(rules(approval=None), hold, lift), {}).outcome is Outcome.PASS


def test_a_hold_that_cannot_be_read_holds(ann: Person) -> None:
    broken = replace(ann.says(Kind.HOLD, "production"), fleet="", problem="it cannot be read: line 1")
    assert judge.holds(case(rules(ann.approver()), broken), {}).outcome is Outcome.FAIL


def test_a_roll_back_holds_until_it_is_lifted_by_name(ann: Person) -> None:
    check = judge.holds(case(rules(ann.approver())), live("cattlegrid/1 held 0123456789ab"))
    assert check.outcome is Outcome.FAIL
    assert "context was rolled back" in check.detail
    assert "cattlegrid unhold 0123456789ab" in check.detail


def test_records_that_cannot_be_fetched_are_not_measured(ann: Person) -> None:
    judged = case(rules(ann.approver()), records=Records((), "origin", "the records could not be fetched"))
    assert judge.holds(judged, {}).outcome is Outcome.NOT_MEASURED
    assert judge.rejection(judged).outcome is Outcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("stood", "outcome"),
    [(599, Outcome.FAIL), (600, Outcome.PASS), (-3600, Outcome.NOT_MEASURED)],
    ids=["too short", "long enough", "a clock an hour behind"],
)
def test_a_candidate_has_to_stand_in_staging_for_its_time(stood: int, outcome: Outcome) -> None:
    staging = live(at=timedelta(seconds=stood))
    (check,) = judge.soak(rules(soak=600.0), staging, ["context"], NOW)
    assert check.outcome is outcome


def test_the_soak_says_when_it_will_be_enough() -> None:
    (check,) = judge.soak(rules(soak=600.0), live(at=timedelta(seconds=60)), ["context"], NOW)
    assert check.detail == "live in staging for 60 s of 600 s; enough at 20:09:00 UTC"


@pytest.mark.parametrize("hours", [-1, 1], ids=["an hour slow", "an hour fast"])
def test_a_clock_that_is_an_hour_off_is_set_right_by_cloudflare_s_answers(hours: int) -> None:
    here = Clock(now=lambda: datetime.now(UTC) + timedelta(hours=hours))
    with answering(lambda _: ok([])) as server, Client(Account(server.url, "acc", Secret("t")), clock=here) as client:
        client.get("/x")
        place = Place(client, Target(Environment.STAGING, client.account, {}))
        told = now(Edge(Path(), {}, clock=here), place)
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=10)
