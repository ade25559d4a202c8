"""What runs where, for eight Workers in two environments: `cattlegrid status` against wrangler in a loop."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import fleets
from local_cloud import local
from measure import interleaved, run
from programs import Programs
from results import Goal, Result, rows

TITLE = "status"
OURS = "cattlegrid status"
LOOP = "wrangler deployments status, for each"


def bench(programs: Programs, *, quick: bool) -> Result:
    count = 2 if quick else 8
    with (
        tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as name,
        local(programs, Path(name) / "cloud") as cloud,
    ):
        fleet = fleets.write(Path(name) / "fleet", "status", count)
        run((programs.cattlegrid, "deploy"), cwd=fleet.root, env=cloud.environ)
        fleets.promote(programs, cloud, fleet)

        def ours() -> float:
            return run((programs.cattlegrid, "status"), cwd=fleet.root, env=cloud.environ).seconds

        def loop() -> float:
            started = time.perf_counter()
            for worker in fleet.workers:
                for environment in ("", "production"):
                    argv = (*programs.parts.wrangler, "deployments", "status", f"--env={environment}")
                    run(argv, cwd=fleet.folder(worker), env=cloud.environ)
            return time.perf_counter() - started

        found = interleaved({OURS: ours, LOOP: loop}, rounds=1 if quick else 3)
    ratio = found[LOOP].over(found[OURS]).median
    goal = Goal("≥ 5 x faster than wrangler in a loop", ratio, 5, "x", "See the table.", at_least=True)
    return Result(TITLE, _SETTING.format(count=count), rows(found, OURS), (goal,))


_SETTING = """
{count} Workers, each live in staging and in production. Ours asks for the deployments, versions and databases of both
environments at once; wrangler tells the live version of one Worker in one environment each time.
"""
