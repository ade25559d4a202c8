"""Eight Workers to production: the bytes that staging ran, against building and deploying them again."""

from __future__ import annotations

import itertools
import tempfile
import time
from pathlib import Path

import fleets
from local_cloud import local
from measure import interleaved, run
from programs import Programs
from results import Goal, Result, rows

TITLE = "promote"
OURS = "cattlegrid promote"
AGAIN = "wrangler deploy --env production, one after another"


def bench(programs: Programs, *, quick: bool) -> Result:
    count = 2 if quick else 8
    number = itertools.count()
    with (
        tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as name,
        local(programs, Path(name) / "cloud") as cloud,
    ):
        fleet = fleets.write(Path(name) / "fleet", "promote", count)
        run((programs.cattlegrid, "deploy"), cwd=fleet.root, env=cloud.environ)
        fleets.promote(programs, cloud, fleet)

        def changed() -> None:
            fleet.edit(fleet.workers, f"mark-{next(number)}")
            run((programs.cattlegrid, "deploy"), cwd=fleet.root, env=cloud.environ)

        def ours() -> float:
            changed()
            return fleets.promote(programs, cloud, fleet)

        def again() -> float:
            changed()
            started = time.perf_counter()
            for worker in fleet.workers:
                argv = (*programs.parts.wrangler, "deploy", "--env", "production")
                run(argv, cwd=fleet.folder(worker), env=cloud.environ)
            return time.perf_counter() - started

        found = interleaved({OURS: ours, AGAIN: again}, rounds=1 if quick else 2)
    ratio = found[AGAIN].over(found[OURS]).median
    goal = Goal("≥ 2 x faster than rebuilding and deploying", ratio, 2, "x", _WHY, at_least=True)
    return Result(TITLE, _SETTING.format(count=count), rows(found, OURS), (goal,))


_WHY = """
Ours starts wrangler once for each Worker, to upload at 0 %, four Workers at a time; on two processors that is bounded
by wrangler's own start. It also fetches and compares the bytes, and smokes staging, production at 0 % and production
after the switch.
"""

_SETTING = """
{count} changed Workers that staging runs. Ours: gate, the bytes fetched and compared, uploaded at 0 %, smoked there,
switched, smoked, triggers. wrangler builds each Worker again from the same commit and deploys it, unsmoked; the time of
`npm ci`, which a rebuilding production job needs first, is not counted.
"""
