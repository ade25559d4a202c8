"""Requests lost while a Worker is deployed again and again under steady load."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import fleets
from load import steady
from local_cloud import local
from measure import Series, run
from programs import Programs
from results import Goal, Result, Row

TITLE = "redeploy under load"


def bench(programs: Programs, *, quick: bool) -> Result:
    deploys = 1 if quick else 5
    with (
        tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as name,
        local(programs, Path(name) / "cloud") as cloud,
    ):
        fleet = fleets.write(Path(name) / "fleet", "load", 1)
        worker = fleet.workers[0]
        argv = (*programs.parts.wrangler, "deploy", "--env=")
        run(argv, cwd=fleet.folder(worker), env=cloud.environ)
        with steady(cloud.url(f"{worker}-staging", "/mark"), clients=16, per_second=200) as load:
            for number in range(deploys):
                fleet.edit((worker,), f"mark-{number}")
                run(argv, cwd=fleet.folder(worker), env=cloud.environ)
                time.sleep(1)
    slowest = Series((max(load.seconds),))
    median = Series((sorted(load.seconds)[len(load.seconds) // 2],))
    answered = (Row("median answer", median, "s"), Row("slowest answer", slowest, "s"))
    why = "; ".join(load.lost[:5])
    goal = Goal("0 lost requests", len(load.lost), 0, "requests", why)
    seen = f"{load.sent} requests during {deploys} deployments; {len(load.answers)} versions were seen answering."
    return Result(TITLE, _SETTING, answered, (goal,), (seen,))


_SETTING = """
16 clients, together about 200 requests a second, half of them on kept connections, while `wrangler deploy` puts new
versions of the Worker live. Nobody repeats a request: whatever is not answered with 200 is lost.
"""
