"""What the values of undecided columns look like, asked in SQL: how many of some have which form. No value is read.

A proposal made from a column's name is made better by it: a column called `contact` may be full of addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.policy import Open
from cattlegrid.mirror.schema import literal, quoted

_ROWS: Final = 500
_MOST: Final = 20
_SHARE: Final = 0.8
_DIGIT: Final = "[0-9]"
# By mask: the condition on `v`. The first one that most values meet is proposed.
_FORMS: Final[Mapping[str, str]] = {
    "email": "v LIKE '%_@_%._%' AND v NOT LIKE '% %'",
    "url": "v LIKE 'http%://_%'",
    "json": "substr(v, 1, 1) IN ('{', '[') AND json_valid(v)",
    "date-shift": f"v GLOB '{_DIGIT * 4}-{_DIGIT * 2}-{_DIGIT * 2}*'",
    "ip": f"v GLOB '{_DIGIT}*.{_DIGIT}*.{_DIGIT}*.{_DIGIT}*' AND length(v) <= 15 AND v NOT GLOB '*[^0-9.]*'",
    "phone": f"v GLOB '+{_DIGIT}*' AND v NOT GLOB '*[^0-9 +().-]*' AND length(v) BETWEEN 7 AND 24",
}
_UNSURE: Final = frozenset({"text", "keep"})


def proposed(engine: Engine, undecided: Sequence[Open]) -> tuple[Open, ...]:
    """The same columns; where the name says nothing for sure, and most values have one form, that form's mask."""
    found = []
    for at in range(0, len(undecided), _MOST):
        some = undecided[at : at + _MOST]
        for one, result in zip(some, engine.run([Statement(_sql(one)) for one in some]), strict=True):
            count, *hits = (int(str(value or 0)) for value in result.rows[0])
            forms = (mask for mask, number in zip(_FORMS, hits, strict=True) if count and number >= _SHARE * count)
            mask = next(forms, "")
            found.append(replace(one, suggestion=mask) if mask and one.suggestion in _UNSURE else one)
    return tuple(found)


def _sql(one: Open) -> str:
    column = quoted(one.column)
    some = f"SELECT {column} AS v FROM {quoted(one.table)} WHERE typeof({column}) = {literal('text')} LIMIT {_ROWS}"
    counted = ", ".join(f"sum({condition})" for condition in _FORMS.values())
    return f"SELECT count(*), {counted} FROM ({some})"
