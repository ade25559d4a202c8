"""`cattlegrid --help` against a bare interpreter and `wrangler --version`."""

from __future__ import annotations

import sys
from pathlib import Path

from measure import Series, interleaved, run
from programs import Programs
from results import Goal, Result, rows

TITLE = "help"


def bench(programs: Programs, *, quick: bool) -> Result:
    def seconds(*argv: str) -> float:
        return run(argv, cwd=Path.cwd(), env=programs.environ).seconds

    found = interleaved(
        {
            "cattlegrid --help": lambda: seconds(programs.cattlegrid, "--help"),
            "python -c pass": lambda: seconds(sys.executable, "-c", "pass"),
            "wrangler --version": lambda: seconds(*programs.parts.wrangler, "--version"),
        },
        rounds=2 if quick else 21,
    )
    ours = found["cattlegrid --help"]
    return Result(TITLE, _SETTING, rows(found, "cattlegrid --help"), _goals(ours, found["python -c pass"]))


def _goals(ours: Series, bare: Series) -> tuple[Goal, ...]:
    return (
        Goal("`cattlegrid --help` ≤ 0.15 s", ours.median, 0.15, "s", "The imports it makes take longer than allowed."),
        Goal("≤ 6 x bare Python", ours.over(bare).median, 6, "x", "The imports it makes take longer than allowed."),
    )


_SETTING = """
Each program started afresh, from its installed place, with warm files. wrangler is the pinned one on the pinned Node,
started without npx.
"""
