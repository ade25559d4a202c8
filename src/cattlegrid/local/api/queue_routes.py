"""Queues and the Workers that consume them."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from cattlegrid.local import compute, scripts
from cattlegrid.local.api import publish, queue_state
from cattlegrid.local.api.queue_state import Consumer, Queue
from cattlegrid.local.envelope import ApiError, ok, paged
from cattlegrid.local.routes import Call, route

QUEUES = "/accounts/{account}/queues"
ONE = QUEUES + "/{queue}"
_NOT_FOUND, _TAKEN = 11000, 11009
_DEFAULTS = {"delivery_delay": 0, "delivery_paused": False, "message_retention_period": 345600}
_CONSUMER_DEFAULTS = {"batch_size": 10, "max_retries": 3, "max_wait_time_ms": 5000, "retry_delay": 0}


@route("GET", QUEUES, "list queues, or find one by name", scope="queues:read")
async def list_queues(call: Call) -> Response:
    wanted = call.query.get("name")
    found = [one for one in queue_state.all_queues(call.state.db) if wanted in {None, one.name}]
    return paged(call.query, [_shown(call, one) for one in found], default=100)


@route("POST", QUEUES, "create a queue", scope="queues:write")
async def create(call: Call) -> Response:
    said = await call.object()
    name = said.get("queue_name")
    if not isinstance(name, str) or not name or len(name) > 63:
        raise ApiError(400, 11003, "queue_name: a name of at most 63 characters is needed")
    try:
        one = queue_state.add(call.state.db, name, {**_DEFAULTS, **(said.get("settings") or {})})
    except sqlite3.IntegrityError:
        raise ApiError(409, _TAKEN, f"Queue name '{name}' is already taken. Please use a different name.") from None
    refresh(call)
    return ok(_shown(call, one))


@route("GET", ONE, "one queue", scope="queues:read")
async def get(call: Call) -> Response:
    return ok(_shown(call, _queue(call)))


@route("PATCH", ONE, "change a queue's settings", scope="queues:write")
@route("PUT", ONE, "change a queue's settings", scope="queues:write")
async def change(call: Call) -> Response:
    one, said = _queue(call), await call.object()
    queue_state.configure(call.state.db, one.id, {**one.settings, **(said.get("settings") or {})})
    refresh(call)
    return ok(_shown(call, _queue(call)))


@route("DELETE", ONE, "delete a queue with its messages", scope="queues:write")
async def delete(call: Call) -> Response:
    one = _queue(call)
    if producers := _producers(call, one):
        message = f"Queue '{one.name}' is bound by {', '.join(producers)}. Remove the bindings first."
        raise ApiError(400, 11005, message)
    queue_state.remove(call.state.db, one.id)
    call.runtime.queue_purge(one.name)
    refresh(call)
    return ok(None)


@route("GET", ONE + "/consumers", "a queue's consumers", scope="queues:read")
async def list_consumers(call: Call) -> Response:
    return paged(call.query, [_consumer(call, one) for one in queue_state.consumers(call.state.db, _queue(call).id)])


@route("POST", ONE + "/consumers", "have a Worker consume a queue", scope="queues:write")
async def add_consumer(call: Call) -> Response:
    queue, said = _queue(call), await call.object()
    if said.get("type") != "worker":
        message = f"Consumers of type {said.get('type')!r} are not served by the local Cloudflare; it serves worker"
        raise ApiError(501, 7000, message)
    if queue_state.consumers(call.state.db, queue.id):
        raise ApiError(400, 11004, f"Queue '{queue.name}' already has a consumer.")
    script = str(said.get("script_name") or said.get("service") or "")
    publish.existing(call, script)
    settings = {**_CONSUMER_DEFAULTS, **_given(said.get("settings"))}
    one = Consumer(uuid.uuid4().hex, queue.id, script, said.get("dead_letter_queue"), settings, scripts.now())
    queue_state.keep_consumer(call.state.db, one)
    refresh(call)
    return ok(_consumer(call, one))


@route("PUT", ONE + "/consumers/{consumer}", "change a consumer", scope="queues:write")
async def change_consumer(call: Call) -> Response:
    one, said = _found(call), await call.object()
    script = str(said.get("script_name") or one.script)
    publish.existing(call, script)
    settings = {**one.settings, **_given(said.get("settings"))}
    changed = replace(one, script=script, dead_letter_queue=said.get("dead_letter_queue"), settings=settings)
    queue_state.keep_consumer(call.state.db, changed)
    refresh(call)
    return ok(_consumer(call, changed))


@route("DELETE", ONE + "/consumers/{consumer}", "stop consuming a queue", scope="queues:write")
async def delete_consumer(call: Call) -> Response:
    queue_state.remove_consumer(call.state.db, _found(call).id)
    refresh(call)
    return ok(None)


def refresh(call: Call) -> None:
    """Tells the broker which queues there are now and who consumes them."""
    compute.configure_queues(call.control)


def _given(settings: Any) -> dict[str, Any]:
    return {key: value for key, value in (settings or {}).items() if value is not None}


def _queue(call: Call) -> Queue:
    one = queue_state.find(call.state.db, call.path["queue"])
    if one is None:
        raise ApiError(404, _NOT_FOUND, f"Queue {call.path['queue']} does not exist.")
    return one


def _found(call: Call) -> Consumer:
    for one in queue_state.consumers(call.state.db, _queue(call).id):
        if one.id == call.path["consumer"]:
            return one
    raise ApiError(404, _NOT_FOUND, f"Consumer {call.path['consumer']} does not exist.")


def _producers(call: Call, queue: Queue) -> list[str]:
    return [
        script.name
        for script in scripts.all_scripts(call.state.db)
        if (version := scripts.latest(call.state.db, script.name)) is not None
        and any(one.get("queue_name") == queue.name for one in version.content.bindings)
    ]


def _shown(call: Call, queue: Queue) -> dict[str, Any]:
    producers = [{"type": "worker", "script": name} for name in _producers(call, queue)]
    consumers = [_consumer(call, one) for one in queue_state.consumers(call.state.db, queue.id)]
    return {
        "queue_id": queue.id,
        "queue_name": queue.name,
        "created_on": queue.created,
        "modified_on": queue.modified,
        "producers": producers,
        "producers_total_count": len(producers),
        "consumers": consumers,
        "consumers_total_count": len(consumers),
        "settings": dict(queue.settings),
    }


def _consumer(call: Call, one: Consumer) -> dict[str, Any]:
    queue = queue_state.find(call.state.db, one.queue)
    return {
        "consumer_id": one.id,
        "queue_id": one.queue,
        "queue_name": queue.name if queue else "",
        "type": "worker",
        "script": one.script,
        "script_name": one.script,
        "service": one.script,
        "environment": "production",
        "dead_letter_queue": one.dead_letter_queue,
        "settings": dict(one.settings),
        "created_on": one.created,
    }
