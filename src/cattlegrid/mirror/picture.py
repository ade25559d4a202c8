"""The mirror's report as one HTML file, without scripts or addresses: tables, checks, rate, where time went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from cattlegrid.mirror.run import Copied
from cattlegrid.model.check import Outcome

_WIDTH: Final = 720
_HEIGHT: Final = 180
_LEFT: Final = 90
_COLOURS: Final = ("#4c78a8", "#e45756")
_STEPS: Final = {
    "read": "#4c78a8", "mask": "#72b7b2", "write": "#f58518", "verify": "#54a24b",
    "finish": "#b279a2", "check": "#9d755d",
}  # fmt: skip
_AT_ONCE: Final = (
    "One parcel is read and masked while another is written and a third one read back: this is work, not the clock."
)
_MARKS: Final = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.NOT_MEASURED: "?"}


def page(title: str, databases: Sequence[tuple[str, Copied]]) -> str:
    """`databases` are (what went where, what was copied)."""
    body = "".join(_database(name, copied) for name, copied in databases)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{body}</html>\n"
    )


def _database(name: str, copied: Copied) -> str:
    moment = "all rows are of one moment" if copied.exact else copied.interval
    checks = "".join(
        f'<li class="{check.outcome.name.lower()}">{_MARKS[check.outcome]} {escape(check.name)}'
        f" <small>{escape(check.detail)}</small></li>"
        for check in copied.checks
    )
    rows = "".join(
        f"<tr><td>{escape(table.table)}</td><td class=n>{table.rows}</td><td class=n>{table.bytes}</td>"
        f"<td class=n>{table.ranges}</td><td><code>{table.digest[:16]}</code></td>"
        f"<td>{escape(', '.join(f'{column}: {rule}' for column, rule in table.masks.items()))}</td></tr>"
        for table in copied.tables
    )
    return (
        f"<section><h2>{escape(name)}</h2><p>{copied.rows} rows; {escape(moment)}.</p>"
        f"<h3>Rows and megabytes a second</h3>{rate(copied.samples)}<h3>Where the time went</h3>"
        f"{time_spent(copied.seconds)}<p><small>{_AT_ONCE}</small></p>"
        f"<h3>Checks</h3><ul>{checks}</ul><h3>Tables</h3><table><tr><th>table<th class=n>rows"
        f"<th class=n>bytes<th class=n>ranges<th>digest<th>masks</tr>{rows}</table></section>"
    )


def rate(samples: Sequence[tuple[float, int, int]]) -> str:
    """Rows and megabytes a second between one verified parcel and the next, as an SVG of two lines of steps."""
    steps = [
        (before, now, (rows - before_rows) / (now - before), (size - before_size) / (now - before) / 1e6)
        for (before, before_rows, before_size), (now, rows, size) in pairwise(samples)
        if now > before
    ]
    if len(steps) < 2:
        return "<p>Too few parcels for a line: all of it came in one or two calls.</p>"
    last = steps[-1][1]
    many = _line([(before, now, rows) for before, now, rows, _ in steps], last, _COLOURS[0])
    heavy = _line([(before, now, size) for before, now, _, size in steps], last, _COLOURS[1])
    rows, size = (max(step[at] for step in steps) for at in (2, 3))
    return (
        f'<svg viewBox="0 0 {_WIDTH + _LEFT} {_HEIGHT + 24}" role="img"'
        ' aria-label="rows and megabytes a second over time">'
        f'<path d="M{_LEFT} 12V{_HEIGHT}H{_WIDTH}V12" fill="none" stroke="#999"/>{heavy}{many}'
        f'<text x="{_LEFT - 6}" y="18" text-anchor="end" fill="{_COLOURS[0]}">{rows:,.0f} rows</text>'
        f'<text x="{_LEFT - 6}" y="{_HEIGHT}" text-anchor="end">0</text>'
        f'<text x="{_WIDTH + 6}" y="18" fill="{_COLOURS[1]}">{size:,.1f} MB</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 18}" text-anchor="end">{last:.1f} s</text></svg>'
    )


def _line(steps: Sequence[tuple[float, float, float]], last: float, colour: str) -> str:
    """Each step is (from, to, how much a second); the highest touches the top."""
    top = max(much for _, _, much in steps) or 1.0
    points = []
    for before, now, much in steps:
        y = _HEIGHT - (_HEIGHT - 12) * much / top
        points += [f"{_LEFT + (_WIDTH - _LEFT) * at / last:.1f},{y:.1f}" for at in (before, now)]
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(points)}"/>'


def time_spent(seconds: Mapping[str, float]) -> str:
    """One bar, a piece for each step, with its seconds."""
    whole = sum(seconds.values()) or 1.0
    at = 0.0
    bars, labels = "", ""
    for number, (step, colour) in enumerate((step, colour) for step, colour in _STEPS.items() if step in seconds):
        width = _WIDTH * seconds[step] / whole
        bars += f'<rect x="{at:.1f}" y="0" width="{width:.1f}" height="28" fill="{colour}"/>'
        x = number * _WIDTH // len(_STEPS)
        labels += (
            f'<rect x="{x}" y="42" width="10" height="10" fill="{colour}"/>'
            f'<text x="{x + 14}" y="51">{step} {seconds[step]:.1f} s</text>'
        )
        at += width
    return f'<svg viewBox="0 0 {_WIDTH} 60" role="img" aria-label="seconds by step">{bars}{labels}</svg>'


_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.25rem .5rem;text-align:left}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "svg{width:100%;height:auto}svg text{font:12px sans-serif}"
    "ul{list-style:none;padding:0}.fail{color:#b00}.pass{color:#276727}small{color:#555}"
)
