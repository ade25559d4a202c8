from __future__ import annotations

import signal

import pytest
from standing import Standing

pytestmark = pytest.mark.slow


def test_status_looks_again_until_it_is_stopped_and_shows_a_hold_that_comes(alpha: Standing) -> None:
    program = alpha.start("status", "--watch", "500ms")
    assert program.stdout is not None
    before = [program.stdout.readline() for _ in range(3)]
    assert "is held by" not in "".join(before)
    alpha.done("hold", "--reason", "holidays")
    shown = ""
    while "is held by ann: holidays" not in shown and len(shown) < 100_000:
        line = program.stdout.readline()
        assert line, shown
        shown += line
    program.send_signal(signal.SIGINT)
    rest = program.communicate(timeout=20)[0]
    alpha.said.append(shown + rest)
    assert program.returncode == 130
    assert "Traceback" not in rest
