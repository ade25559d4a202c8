"""An answer of the engine's is cut without being read; whatever its texts look like."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from cattlegrid.local.runtime.storage import _unread

META = {"served_by": "miniflare.db", "timings": {"sql_duration_ms": 1}, "size_after": 1, "rows_read": 1}
HOSTILE = '},"meta":{ "}},{"success":true,"results":{'
ROWS: list[list[Any]] = [[HOSTILE, 1], [None, [1, 2]], [HOSTILE[:9], HOSTILE[9:]], ['\\"', "\\"], ["é\0", -0.5]]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_an_answer_is_cut_at_its_statements_and_nowhere_else(number: int) -> None:
    results = [{"columns": ["a", HOSTILE], "rows": ROWS[: 5 * (at % 2)]} for at in range(number)]
    content = orjson.dumps([{"success": True, "results": one, "meta": META} for one in results])
    found = _unread(content)
    assert [orjson.loads(one["results"]) for one in found] == results
    assert [one["meta"] for one in found] == [META] * number
