"""The gate, a deploy and a promotion at 2, 8 and 40 Workers, and how many calls of Cloudflare's API each makes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fleets
import httpx2
from local_cloud import Cloud, local
from measure import Series, run
from programs import Programs
from results import Goal, Result, Row

from cattlegrid.cloudflare.pace import CALLS, least

TITLE = "gate"
SIZES = (2, 8, 40)
_NEVER = 1_000_000


@dataclass(frozen=True)
class Cost:
    """`deploy`, `gate` and `promote` in seconds by the wall clock; `calls` of the same three."""

    workers: int
    seconds: dict[str, float]
    calls: dict[str, int]


def bench(programs: Programs, *, quick: bool) -> Result:
    costs = [_cost(programs, size) for size in (SIZES[:1] if quick else SIZES)]
    rows = [
        Row(f"{what}, {cost.workers} Workers", Series((seconds,)), "s")
        for cost in costs
        for what, seconds in cost.seconds.items()
    ]
    eight = next((cost for cost in costs if cost.workers == 8), costs[-1])
    goal = Goal("the gate of 8 Workers ≤ 2 s", eight.seconds["gate"], 2, "s", _WHY)
    return Result(TITLE, _SETTING, tuple(rows), (goal,), (*map(_calls, costs), _hundred(costs[-1])))


def _cost(programs: Programs, size: int) -> Cost:
    with (
        tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as name,
        local(programs, Path(name) / "cloud") as cloud,
    ):
        fleet = fleets.write(Path(name) / "fleet", "gate", size)
        run((programs.cattlegrid, "deploy"), cwd=fleet.root, env=cloud.environ)
        fleets.promote(programs, cloud, fleet)
        fleet.edit(fleet.workers, "second")
        seconds: dict[str, float] = {}
        calls: dict[str, int] = {}

        def counted(what: str, work: Callable[[], float]) -> None:
            counter = _local(cloud, "POST", "/faults", {"kind": "delay", "skip": _NEVER})["id"]
            seconds[what] = work()
            armed = _local(cloud, "GET", "/faults", None)
            calls[what] = next(one["seen"] for one in armed if one["id"] == counter)

        def typed(*words: str) -> float:
            return run((programs.cattlegrid, *words), cwd=fleet.root, env=cloud.environ).seconds

        counted("deploy", lambda: typed("deploy"))
        counted("gate", lambda: typed("promote", "--dry-run"))
        release = fleets.release(programs, cloud, fleet)
        counted("promote", lambda: typed("promote", "--release", release))
    return Cost(size, seconds, calls)


def _local(cloud: Cloud, method: str, path: str, body: object) -> object:
    token = cloud.environ["CLOUDFLARE_API_TOKEN"]
    url = f"{cloud.running.base_url}/local{path}"
    answer = httpx2.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    return answer.raise_for_status().json()["result"]


def _calls(cost: Cost) -> str:
    told = ", ".join(f"{what} {count} ({count / cost.workers:.1f} a Worker)" for what, count in cost.calls.items())
    return f"Calls at {cost.workers} Workers, wrangler's among them: {told}."


def _hundred(cost: Cost) -> str:
    calls = round(cost.calls["promote"] / cost.workers * 100)
    return (
        f"A promotion of 100 Workers would make about {calls} calls; the limit is {CALLS} in five minutes:"
        f" it takes {least(calls) / 60:.0f} minutes at least, in which cattlegrid waits and says so."
    )


_WHY = """
The gate measures everything again: it smokes staging, fetches and digests every Worker's modules, and reads both
environments. Python's start and imports are in it.
"""
_SETTING = """
Every Worker of the fleet has changed. deploy: change detection, builds, uploads, read back, smoke. gate: `promote
--dry-run`. promote: gate, uploads at 0 %, smoke there, switch, smoke. One round each; calls are counted by the local
Cloudflare. Each Worker has no database.
"""
