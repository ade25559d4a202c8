from __future__ import annotations

from measure import Series
from results import Goal, Result, page, rows, section

FOUND = {"ours": Series((0.5, 0.4, 0.6)), "theirs": Series((2.0, 2.4, 3.0))}


def goal(measured: float, *, at_least: bool = False) -> Goal:
    return Goal("five times faster", measured, 5, "x", "Because git status\n    alone takes longer.", at_least=at_least)


def test_the_table_has_ours_first_with_median_spread_and_the_others_as_a_ratio() -> None:
    text = section(Result("changes", "What was done.", rows(FOUND, "ours"), ()))
    assert "| ours | 0.500 s | 0.400 s to 0.600 s | 1 |" in text
    assert "| theirs | 2.40 s | 2.00 s to 3.00 s | 5.00 (4.00 to 6.00) |" in text


def test_a_goal_is_met_exactly_at_its_limit_and_missed_past_it() -> None:
    assert goal(5.0).met
    assert not goal(5.1).met
    assert goal(5.0, at_least=True).met
    assert not goal(4.9, at_least=True).met


def test_a_missed_goal_carries_its_reason_and_a_met_one_does_not() -> None:
    missed = section(Result("changes", "", (), (goal(7.0),)))
    assert "**Missed**: five times faster; measured 7.00 x. Because git status alone takes longer." in missed
    assert "Because" not in section(Result("changes", "", (), (goal(3.0),)))


def test_the_page_starts_with_every_goal_and_how_many_were_met() -> None:
    results = [Result("help", "", (), (goal(1.0),)), Result("changes", "", (), (goal(7.0), goal(9.0, at_least=True)))]
    text = page(results, {"kernel": "Linux 6"}, "Measured today.")
    assert "2 of 3 goals met." in text
    assert "| changes | five times faster | 7.00 x | **missed** |" in text
    assert text.index("Measured today.") < text.index("2 of 3") < text.index("## help") < text.index("kernel: Linux 6")


def test_a_result_with_no_goal_and_no_contender_is_only_what_it_says() -> None:
    assert (
        section(Result("memory", "What was done.", (), (), ("A note.",))) == "## memory\n\nWhat was done.\n\n- A note."
    )
