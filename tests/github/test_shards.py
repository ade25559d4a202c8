"""How the matrix spreads a fleet."""

from __future__ import annotations

import json

from cattlegrid.github import shards
from cattlegrid.model.change import Change, Verdict
from cattlegrid.model.stamp import Digests, Stamp

NOW = Stamp("c" * 16, Digests(*["d" * 12] * 4))
CALLS_OF_A_DEPLOY = 25


def fleet(count: int, verdict: Verdict = Verdict.CHANGED) -> list[Change]:
    return [Change(f"worker-{number:04}", verdict, (), NOW) for number in range(count)]


def test_each_worker_has_a_job_of_its_own_while_there_are_enough() -> None:
    assert shards.shards(fleet(2)) == ("worker-0000", "worker-0001")


def test_a_thousand_workers_fit_into_github_s_256_jobs_and_each_is_deployed_once() -> None:
    entries = shards.shards(fleet(1000))
    assert len(entries) == 250
    assert sorted(name for entry in entries for name in entry.split()) == [one.worker for one in fleet(1000)]


def test_unchanged_workers_get_no_job() -> None:
    assert shards.shards(fleet(3, Verdict.UNCHANGED)) == ()
    assert shards.outputs(()) == {"any": "false", "matrix": "[]"}


def test_new_workers_go_together_so_that_their_order_can_be_found() -> None:
    both = [*fleet(2), Change("another", Verdict.NEW, (), NOW)]
    assert shards.shards(both) == ("worker-0000 worker-0001 another",)


def test_the_matrix_is_one_line_of_json() -> None:
    told = shards.outputs(("a", "b c"))
    assert json.loads(told["matrix"]) == ["a", "b c"]
    assert "\n" not in told["matrix"]


def test_a_hundred_workers_need_more_than_one_window_and_a_thousand_are_paced_over_two_hours() -> None:
    hundred = shards.pace(shards.shards(fleet(100)), CALLS_OF_A_DEPLOY)
    thousand = shards.pace(shards.shards(fleet(1000)), CALLS_OF_A_DEPLOY)
    assert (hundred.jobs, hundred.calls, hundred.seconds) == (100, 4500, 900.0)
    assert (thousand.jobs, thousand.calls, thousand.seconds) == (250, 30_000, 7200.0)
