"""What the benchmarks found, as the page that a reader gets: tables, goals met and missed, the machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from measure import Series


@dataclass(frozen=True)
class Row:
    """One contender. `ratio` is how many times ours it takes, round by round; None for ours itself."""

    name: str
    series: Series
    unit: str
    ratio: Series | None = None


@dataclass(frozen=True)
class Goal:
    """`says` is the goal in a person's words; `measured` is to stay at most at `limit`, or `at_least` there.

    `if_missed` is the sentence that explains it; it is printed only then.
    """

    says: str
    measured: float
    limit: float
    unit: str
    if_missed: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True)
class Result:
    """`setting` says what was done, exactly enough to do it again; `notes` are whatever a fair reader has to know."""

    title: str
    setting: str
    rows: tuple[Row, ...]
    goals: tuple[Goal, ...]
    notes: tuple[str, ...] = ()


def rows(found: Mapping[str, Series], ours: str, unit: str = "s") -> tuple[Row, ...]:
    """A row for each contender, ours first, every other with how many times ours it takes."""
    others = (Row(name, series, unit, series.over(found[ours])) for name, series in found.items() if name != ours)
    return (Row(ours, found[ours], unit), *others)


def page(results: Iterable[Result], machine: Mapping[str, str], preface: str) -> str:
    """RESULTS.md: goals at a glance first, then each benchmark, then the machine."""
    found = list(results)
    parts = ["# Benchmarks", preface.strip(), _summary(found)]
    parts += [section(result) for result in found]
    parts += ["## Machine", "\n".join(f"- {name}: {value}" for name, value in machine.items())]
    return "\n\n".join(parts) + "\n"


def section(result: Result) -> str:
    parts = [f"## {result.title}", _paragraph(result.setting)]
    if result.rows:
        parts.append(_table(result))
    if result.goals:
        parts.append("\n".join(_verdict(goal) for goal in result.goals))
    if result.notes:
        parts.append("\n".join(f"- {_paragraph(note)}" for note in result.notes))
    return "\n\n".join(parts)


def _summary(found: list[Result]) -> str:
    goals = [(result.title, goal) for result in found for goal in result.goals]
    met = sum(goal.met for _, goal in goals)
    head = f"{met} of {len(goals)} goals met.\n\n| benchmark | goal | measured | |\n| --- | --- | ---: | --- |\n"
    return head + "\n".join(
        f"| {title} | {goal.says} | {amount(goal.measured, goal.unit)} | {'met' if goal.met else '**missed**'} |"
        for title, goal in goals
    )


def _table(result: Result) -> str:
    head = "| | median | lowest to highest | times ours (lowest to highest) |\n| --- | ---: | ---: | ---: |\n"
    return head + "\n".join(_row(row) for row in result.rows)


def _row(row: Row) -> str:
    spread = f"{amount(row.series.low, row.unit)} to {amount(row.series.high, row.unit)}"
    ratio = "1"
    if row.ratio is not None:
        ratio = f"{row.ratio.median:.2f} ({row.ratio.low:.2f} to {row.ratio.high:.2f})"
    return f"| {row.name} | {amount(row.series.median, row.unit)} | {spread} | {ratio} |"


def _verdict(goal: Goal) -> str:
    word = "Met" if goal.met else "Missed"
    line = f"**{word}**: {goal.says}; measured {amount(goal.measured, goal.unit)}."
    return line if goal.met else f"{line} {_paragraph(goal.if_missed)}"


def amount(value: float, unit: str) -> str:
    """The value with the digits that mean something: `0.043 s`, `1.52 x`, `0 requests`, `35 MB`."""
    if unit == "s":
        return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"
    if unit == "x":
        return f"{value:.2f} x"
    return f"{value:.0f} {unit}"


def _paragraph(text: str) -> str:
    return " ".join(text.split())
