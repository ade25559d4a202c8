"""Secrets of a Worker. Each change is a new version of the same code, deployed at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from cattlegrid.local import scripts
from cattlegrid.local.api import bindings, publish
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.scripts import Share

SECRETS = "/accounts/{account}/workers/scripts/{script}/secrets"
_BULK = "/accounts/{account}/workers/scripts/{script}/secrets-bulk"
_MAX_BULK = 100
Changes = Mapping[str, str | None]


@route("GET", SECRETS, "names of a Worker's secrets", scope="workers:read")
async def list_secrets(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    version = scripts.latest(call.state.db, script.name)
    names = bindings.secret_names(version.content.bindings) if version else []
    return ok([{"name": name, "type": "secret_text"} for name in sorted(names)])


@route("PUT", SECRETS, "set a secret; makes and deploys a version", scope="workers:write")
async def put_secret(call: Call) -> Response:
    said = await call.object()
    name, text = _secret(said)
    await _change(call, {name: text})
    return ok({"name": name, "type": "secret_text"})


@route("GET", SECRETS + "/{secret}", "whether a secret exists; never its text", scope="workers:read")
async def get_secret(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    version = scripts.latest(call.state.db, script.name)
    if version is None or call.path["secret"] not in bindings.secret_names(version.content.bindings):
        raise _missing(call.path["secret"])
    return ok({"name": call.path["secret"], "type": "secret_text"})


@route("DELETE", SECRETS + "/{secret}", "delete a secret; makes and deploys a version", scope="workers:write")
async def delete_secret(call: Call) -> Response:
    await _change(call, {call.path["secret"]: None}, must_exist=True)
    return ok(None)


@route("PATCH", _BULK, "set and delete up to 100 secrets in one version", scope="workers:write")
async def bulk(call: Call) -> Response:
    said = (await call.object()).get("secrets")
    if not isinstance(said, dict):
        raise ApiError(400, 10021, "secrets: an object of secrets is missing")
    if len(said) > _MAX_BULK:
        raise ApiError(400, 10021, f"secrets: {len(said)} are given, and {_MAX_BULK} are allowed in one call")
    changes = {name: None if one is None else _secret({"name": name, **one})[1] for name, one in said.items()}
    await _change(call, changes)
    return ok([{"name": name, "type": "secret_text"} for name, text in changes.items() if text is not None])


def _secret(said: dict[str, Any]) -> tuple[str, str]:
    """Name and text. Raises ApiError that never quotes the text."""
    name, text = said.get("name"), said.get("text")
    if not isinstance(name, str) or not name:
        raise ApiError(400, 10052, "A secret has no name")
    if said.get("type", "secret_text") != "secret_text":
        raise ApiError(501, 7000, f"Secret {name!r}: only secret_text is served by the local Cloudflare")
    if not isinstance(text, str):
        raise ApiError(400, 10021, f"Secret {name!r} has no text")
    bindings.check_size(name, text)
    return name, text


async def _change(call: Call, changes: Changes, *, must_exist: bool = False) -> None:
    script = call.path["script"]
    async with call.control.lock(script):
        before = publish.deployed_latest(call, script, code=10215)
        known = {binding["name"]: binding for binding in before.content.bindings}
        for name, text in changes.items():
            taken = known.get(name)
            if taken is not None and taken["type"] != "secret_text":
                message = f"Binding name '{name}' already in use. Please use a different name and try again."
                raise ApiError(400, 10053, message)
            if text is not None:
                known[name] = {"name": name, "type": "secret_text", "text": text}
            elif known.pop(name, None) is None and must_exist:
                raise _missing(name)
        bindings.check_count(tuple(known.values()))
        told = {"workers/triggered_by": "secret"}
        content = replace(before.content, bindings=tuple(known.values()), annotations=told)
        version = await publish.changed(call, before, content, source="wrangler")
        await publish.deploy(call, script, [Share(version.id, 100)], annotations=told)


def _missing(name: str) -> ApiError:
    return ApiError(404, 10056, f"Binding '{name}' not found.")
