"""Two changed Workers to staging by cattlegrid, against wrangler: one Worker, two in turn, two at once."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fleets
from local_cloud import Cloud, local
from measure import Series, interleaved, run
from programs import Programs
from results import Goal, Result, rows

TITLE = "deploy"
OURS = "cattlegrid deploy, 2 changed Workers"
ONE = "wrangler deploy, 1 Worker"
IN_TURN = "wrangler deploy, 2 Workers in turn"
AT_ONCE = "wrangler deploy, 2 Workers at once"


def bench(programs: Programs, *, quick: bool) -> Result:
    with (
        tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as name,
        local(programs, Path(name) / "cloud") as cloud,
    ):
        fleet = fleets.write(Path(name) / "fleet", "deploy", 2)
        run((programs.cattlegrid, "deploy"), cwd=fleet.root, env=cloud.environ)
        found = interleaved(_contenders(programs, cloud, fleet), rounds=1 if quick else 5)
    return Result(TITLE, _SETTING, rows(found, OURS), _goals(found))


def _contenders(programs: Programs, cloud: Cloud, fleet: fleets.Fleet) -> dict[str, Callable[[], float]]:
    number = itertools.count()

    def changed(work: Callable[[], None]) -> Callable[[], float]:
        def once() -> float:
            fleet.edit(fleet.workers, f"mark-{next(number)}")
            started = time.perf_counter()
            work()
            return time.perf_counter() - started

        return once

    def wrangler(worker: str) -> None:
        run((*programs.parts.wrangler, "deploy"), cwd=fleet.folder(worker), env=cloud.environ)

    def at_once() -> None:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(wrangler, fleet.workers))

    def ours() -> None:
        # What wrangler deployed by hand is drift: ours has both Workers to deploy in every round.
        run((programs.cattlegrid, "deploy"), cwd=fleet.root, env=cloud.environ)

    return {
        OURS: changed(ours),
        ONE: changed(lambda: wrangler(fleet.workers[0])),
        IN_TURN: changed(lambda: [wrangler(worker) for worker in fleet.workers] and None),
        AT_ONCE: changed(at_once),
    }


def _goals(found: dict[str, Series]) -> tuple[Goal, ...]:
    return (Goal("2 Workers ≤ 1.15 x one `wrangler deploy`", found[OURS].over(found[ONE]).median, 1.15, "x", _WHY),)


_WHY = """
Ours starts wrangler twice for each Worker: once to build, so that the bytes are digested before anything is uploaded,
and once to deploy. A start of wrangler is about a second of one processor, and this machine has two: four starts cannot
take the time of one. It then reads the bytes back and runs the smoke tests, which wrangler does not.
"""

_SETTING = """
Both Workers are edited and committed before each measurement. Ours: change detection, build, deploy, the uploaded bytes
read back and compared, smoke tests. wrangler: `wrangler deploy` as it is. All on one local Cloudflare.
"""
