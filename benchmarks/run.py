"""Measure cattlegrid side by side with what a user would use instead, and write RESULTS.md.

python benchmarks/run.py              everything, and RESULTS.md
python benchmarks/run.py help deploy  these only, printed; RESULTS.md stays as it is
python benchmarks/run.py --quick      small and few, to see that it works; the numbers mean nothing
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import machine
import programs
from results import Result, page, section

BENCHMARKS = (
    "help", "check", "changes", "mirror", "deploy", "status", "promote", "gate", "redeploy_under_load", "secrets_store",
    "memory",
    "migrate", "schema", "gateway",
)  # fmt: skip
RESULTS = Path(__file__).with_name("RESULTS.md")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="benchmark", help=f"out of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small and few; prints, and leaves RESULTS.md alone")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md also when only some were named")
    parser.add_argument("--remark", default="", help="a sentence about the circumstances, printed at the top")
    chosen = parser.parse_args(argv)
    names = chosen.names or list(BENCHMARKS)
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    write = not chosen.quick and (chosen.write or not chosen.names)
    found, results = programs.find(os.environ), []
    for name in names:
        results.append(_measured(name, found, quick=chosen.quick))
        if write:  # After each one: a run that is cut off has measured something all the same.
            RESULTS.write_text(page(results, machine.describe(found.parts), _preface(chosen.remark)))
        else:
            print(section(results[-1]), end="\n\n", flush=True)
    return 0


def _measured(name: str, found: programs.Programs, *, quick: bool) -> Result:
    started = time.perf_counter()
    print(f"{name} …", file=sys.stderr, flush=True)
    result: Result = importlib.import_module(name).bench(found, quick=quick)
    print(f"{name} took {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return result


def _preface(remark: str) -> str:
    when = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return _PREFACE.format(when=when) + (f"\n{remark}\n" if remark else "")


_PREFACE = """
Written by `make bench` on {when}. Everything below was measured in this one run, on one machine, side by side with
what a user would use instead. Contenders take turns, round by round; a table gives the median round, the lowest and
the highest. `times ours` divides each contender by ours in the same round: above 1, ours is faster or smaller.
"""

if __name__ == "__main__":
    sys.exit(main())
