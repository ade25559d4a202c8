"""Durable Object namespaces."""

from __future__ import annotations

from starlette.responses import Response

from cattlegrid.local import actors
from cattlegrid.local.envelope import ApiError, ok, paged
from cattlegrid.local.routes import Call, route

NAMESPACES = "/accounts/{account}/workers/durable_objects/namespaces"


@route("GET", NAMESPACES, "list Durable Object namespaces", scope="workers:read")
async def list_namespaces(call: Call) -> Response:
    return paged(call.query, [_shown(one) for one in actors.all_namespaces(call.state.db)])


@route("GET", NAMESPACES + "/{namespace}", "one Durable Object namespace", scope="workers:read")
async def get_namespace(call: Call) -> Response:
    for one in actors.all_namespaces(call.state.db):
        if one.id == call.path["namespace"]:
            return ok(_shown(one))
    raise ApiError(404, 10066, "This Durable Object namespace does not exist.")


def _shown(one: actors.Namespace) -> dict[str, object]:
    return {
        "id": one.id,
        "name": f"{one.script}_{one.class_name}",
        "script": one.script,
        "class": one.class_name,
        "use_sqlite": one.sqlite,
    }
