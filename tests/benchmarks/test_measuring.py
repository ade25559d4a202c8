from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from measure import ProgramFailed, Series, interleaved, run


def test_a_program_is_timed_to_its_very_end_and_its_words_are_kept(tmp_path: Path) -> None:
    done = run([sys.executable, "-c", "import time; time.sleep(0.2); print('done')"], cwd=tmp_path, env=os.environ)
    assert 0.2 <= done.seconds < 5
    assert done.out == "done\n"
    assert done.cpu < done.seconds


def test_a_program_that_fails_stops_the_benchmark_with_its_own_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"ended with 3:\n  no such worker"):
        run([sys.executable, "-c", "import sys; print('no such worker'); sys.exit(3)"], cwd=tmp_path, env=os.environ)


def test_a_program_that_hangs_is_ended_after_its_time(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ProgramFailed, match="ended with -9"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path, env=os.environ, timeout=0.3)
    assert time.monotonic() - started < 30


def test_contenders_take_turns_and_each_round_starts_with_another_one() -> None:
    order: list[str] = []

    def contender(name: str, value: float) -> float:
        order.append(name)
        return value

    found = interleaved({"a": lambda: contender("a", 1.0), "b": lambda: contender("b", 3.0)}, rounds=3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert found == {"a": Series((1.0, 1.0, 1.0)), "b": Series((3.0, 3.0, 3.0))}


def test_a_ratio_is_taken_within_each_round_so_that_a_busy_minute_does_not_shift_it() -> None:
    ours, theirs = Series((1.0, 10.0, 1.0)), Series((2.0, 20.0, 3.0))
    ratio = theirs.over(ours)
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 2.0, 3.0)
