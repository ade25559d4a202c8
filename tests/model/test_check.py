from __future__ import annotations

import pytest

from cattlegrid.model.check import Outcome

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("outcomes", "verdict", "exit_code"),
    [
        ([PASS, PASS], PASS, 0),
        ([PASS, FAIL, UNKNOWN], FAIL, 1),
        ([PASS, UNKNOWN], UNKNOWN, 4),
        ([], UNKNOWN, 4),
    ],
)
def test_what_was_not_measured_never_counts_as_passed(
    outcomes: list[Outcome], verdict: Outcome, exit_code: int
) -> None:
    assert Outcome.of(outcomes) is verdict
    assert verdict.exit_code == exit_code
