"""`/query` and `/raw`: statements in, one item for each out, all of them one transaction."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from cattlegrid.local.api.d1 import ONE, malformed, the_database
from cattlegrid.local.api.d1_desk import desk, refused
from cattlegrid.local.api.d1_state import Database
from cattlegrid.local.envelope import ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.sql.limits import Statement, value_list
from cattlegrid.local.sql.split import split


@route("POST", ONE + "/query", "run SQL, rows as objects", scope="d1:write")
async def query(call: Call) -> Response:
    return await _run(call, rows=False)


@route("POST", ONE + "/raw", "run SQL, rows as arrays", scope="d1:write")
async def raw(call: Call) -> Response:
    return await _run(call, rows=True)


async def _run(call: Call, *, rows: bool) -> Response:
    database = the_database(call)
    batch = statements(await _body(call))
    if not batch:
        raise refused("No SQL statements detected.")
    results = await desk(call).run(database.uuid, batch, rows=rows)
    return ok([_shown(database, result) for result in results])


async def _body(call: Call) -> dict[str, Any]:
    body = await call.json()
    if not isinstance(body, dict):
        raise malformed("the body must be an object with 'sql' or 'batch'")
    return body


def statements(body: dict[str, Any]) -> list[Statement]:
    """The statements of `{sql, params}` or `{batch: [{sql, params}, …]}`. Raises ApiError 7400."""
    batch = body.get("batch", [body])
    if not isinstance(batch, list) or ("batch" in body and "sql" in body):
        raise malformed("give either 'sql' or a list 'batch'")
    return [statement for element in batch for statement in _of_element(element)]


def _of_element(element: object) -> list[Statement]:
    if not isinstance(element, dict) or not isinstance(element.get("sql"), str):
        raise malformed("'sql' must be text")
    params = value_list(element.get("params"))
    if params is None:
        raise malformed("'params' must be a list")
    found = split(element["sql"])
    if params and len(found) > 1:
        raise malformed("params with multiple statements is not supported")
    return [Statement(sql, params) for sql in found]


def _shown(database: Database, result: dict[str, Any]) -> dict[str, Any]:
    meta, found = result["meta"], result["results"]
    return {
        "results": orjson.Fragment(found) if isinstance(found, bytes) else found,
        "success": True,
        "meta": {
            "served_by": "v3-prod",
            "served_by_region": database.region,
            "served_by_primary": True,
            "timings": {"sql_duration_ms": meta["duration"]},
            "duration": meta["duration"],
            **{name: meta[name] for name in ("changes", "last_row_id", "changed_db", "size_after")},
            **{name: meta[name] for name in ("rows_read", "rows_written")},
        },
    }
