"""What the tests of faults and kills share: which calls are hit, two releases to carry, and what must hold afterwards.

By default each fault is tried at some of the calls; CATTLEGRID_EXHAUSTIVE=1 tries every fault at every call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from standing import Standing

from exhaustive import EXHAUSTIVE
from ran import Ran

FAULTS = ("429", "500", "cut", "lost")
marks = [pytest.mark.slow, pytest.mark.timeout(4 * 3600 if EXHAUSTIVE else 600)]


def hits(calls: int, *kinds: str, every: int = 40) -> Iterator[tuple[str, int]]:
    """(fault, the call that it hits): one call of `every`, and for each fault another one; exhaustively all."""
    step = 1 if EXHAUSTIVE else every
    for nth, kind in enumerate(kinds):
        yield from ((kind, number) for number in range((6 * nth + 1) % step, calls, step))


def ends(standing: Standing, first: Ran, again: Callable[[], Ran], where: str) -> None:
    """The first run did it, or said what went wrong and what to type; the second did it then."""
    if first.code == 0:
        return
    assert "Traceback" not in first.said, f"{where}: {first.said}"
    assert "next: " in first.said or "✗" in first.said, f"{where}: it ended with {first.code} and said {first.said}"
    second = again()
    assert second.code == 0, f"{where}: the second run ended with {second.code}:\n{second.said}\nafter\n{first.said}"


class TwoReleases:
    """Staging is switched between two deployed versions, so that each promotion has something to carry."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        standing.done("deploy")
        self.versions = [(standing.live("alpha")[0][0], "first")]
        assert standing.promote().code == 0
        standing.change("alpha", "second")
        standing.done("deploy")
        self.versions.append((standing.live("alpha")[0][0], "second"))

    def next(self) -> tuple[str, str]:
        """The release that staging has now and production has not, and what its page says."""
        self.versions.reverse()
        version, word = self.versions[1]
        script = self.standing.script("alpha")
        notes = self.standing.cloud.result("GET", f"/workers/scripts/{script}/versions/{version}")["annotations"]
        body = {
            "strategy": "percentage",
            "versions": [{"version_id": version, "percentage": 100}],
            "annotations": {"workers/message": notes["workers/message"]},  # as a deploy of it says; otherwise drift
        }
        self.standing.cloud.result("POST", f"/workers/scripts/{script}/deployments", json=body)
        return self.release(), word

    def release(self) -> str:
        looked = self.standing.run("promote", "--dry-run", "--json", "--allow-rollback")
        return str(json.loads(looked.out)["plan"]["release"])

    def command(self, release: str) -> tuple[str, ...]:
        return ("promote", "--release", release, "--allow-rollback")

    def promote(self) -> None:
        ran = self.standing.run(*self.command(self.release()))
        assert ran.code == 0, ran.said

    def again(self) -> Ran:
        return self.standing.run(*self.command(self.release()))
