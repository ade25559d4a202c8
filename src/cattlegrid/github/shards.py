"""How a workflow's matrix spreads the workers: within GitHub's number of jobs and Cloudflare's number of calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from cattlegrid.cloudflare.pace import least
from cattlegrid.model.change import Change, Verdict

JOBS: Final = 256  # GitHub's limit for one matrix
PARALLEL: Final = 8  # the workflow's `max-parallel`


def shards(changes: Iterable[Change], *, jobs: int = JOBS) -> tuple[str, ...]:
    """One entry a job: names of workers with spaces between. Never more than `jobs`.

    Where a worker is new, all go in one job: the order in which new workers need each other is that job's to find.
    """
    changed = [one for one in changes if one.verdict is not Verdict.UNCHANGED]
    names = [one.worker for one in changed]
    if any(one.verdict is Verdict.NEW for one in changed):
        return (" ".join(names),)
    size = ceil(len(names) / jobs) if names else 1
    return tuple(" ".join(names[at : at + size]) for at in range(0, len(names), size))


@dataclass(frozen=True)
class Pace:
    """What a fleet costs: the calls of the API, and the shortest time in which Cloudflare's limit lets them be made."""

    jobs: int
    calls: int
    seconds: float


def pace(entries: Iterable[str], calls_each: int, *, start: int = 20) -> Pace:
    """`calls_each` for one worker, `start` for what a job asks before it deploys its first."""
    sizes = [len(entry.split()) for entry in entries]
    calls = sum(start + size * calls_each for size in sizes)
    return Pace(len(sizes), calls, least(calls))


def outputs(entries: Iterable[str]) -> Mapping[str, str]:
    """What the workflow reads of a step: `any` and `matrix`, as text on one line each."""

    listed = list(entries)
    return {"any": "true" if listed else "false", "matrix": json.dumps(listed)}
