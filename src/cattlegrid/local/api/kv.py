"""Workers KV over REST. Namespaces are rows of ours; keys live in the simulator that Workers' bindings use."""

from __future__ import annotations

import json
import sqlite3
import uuid

from starlette.datastructures import UploadFile
from starlette.responses import Response

from cattlegrid.local.api import kv_keys, kv_state
from cattlegrid.local.api.kv_keys import MALFORMED, Storage
from cattlegrid.local.envelope import ApiError, ok, page_number, paged
from cattlegrid.local.routes import Call, route

NAMESPACES = "/accounts/{account}/storage/kv/namespaces"
ONE = NAMESPACES + "/{namespace}"
_MAX_BULK = 10_000
_NO_NAMESPACE = 10013
_TITLE_TAKEN = 10014


@route("POST", NAMESPACES, "create a KV namespace", scope="kv:write")
async def create(call: Call) -> Response:
    namespace = kv_state.Namespace(uuid.uuid4().hex, call.account, await _title(call))
    try:
        kv_state.add(call.state.db, namespace)
    except sqlite3.IntegrityError:
        raise _title_taken() from None
    return ok(_shown(namespace))


@route("GET", NAMESPACES, "list KV namespaces, a page at a time", scope="kv:read")
async def list_namespaces(call: Call) -> Response:
    field = "id" if call.query.get("order") == "id" else "title"
    found = sorted(
        kv_state.of_account(call.state.db, call.account),
        key=lambda one: str(getattr(one, field)),
        reverse=call.query.get("direction") == "desc",
    )
    return paged(call.query, [_shown(one) for one in found])


@route("GET", ONE, "one KV namespace", scope="kv:read")
async def get_namespace(call: Call) -> Response:
    return ok(_shown(_namespace(call)))


@route("PUT", ONE, "rename a KV namespace", scope="kv:write")
async def rename(call: Call) -> Response:
    namespace = _namespace(call)
    try:
        kv_state.rename(call.state.db, namespace.id, await _title(call))
    except sqlite3.IntegrityError:
        raise _title_taken() from None
    return ok(_shown(_namespace(call)))


@route("DELETE", ONE, "delete a KV namespace with all its keys", scope="kv:write")
async def delete_namespace(call: Call) -> Response:
    storage = _storage(call)
    while keys := (await kv_keys.listed(storage, prefix="", limit=1000, cursor=""))[0]:
        await kv_keys.each([kv_keys.forget(storage, key["name"]) for key in keys])
    kv_state.remove(call.state.db, call.path["namespace"])
    return ok(None)


@route("GET", ONE + "/keys", "list keys by prefix, with a cursor", scope="kv:read")
async def list_keys(call: Call) -> Response:
    storage, limit = _storage(call), page_number(call.query, "limit", 1000)
    if not 10 <= limit <= 1000:
        raise ApiError(400, MALFORMED, f"limit must be between 10 and 1000, not {limit}")
    prefix, cursor = call.query.get("prefix", ""), call.query.get("cursor", "")
    keys, cursor = await kv_keys.listed(storage, prefix=prefix, limit=limit, cursor=cursor)
    return ok(keys, info={"count": len(keys), "cursor": cursor})


@route("GET", ONE + "/values/{key:path}", "the bytes of a key", scope="kv:read")
async def get_value(call: Call) -> Response:
    found = await kv_keys.read(_storage(call), call.path["key"])
    headers = {"expiration": found.headers["CF-Expiration"]} if "CF-Expiration" in found.headers else None
    return Response(found.content, media_type="application/octet-stream", headers=headers)


@route("GET", ONE + "/metadata/{key:path}", "the metadata of a key", scope="kv:read")
async def get_metadata(call: Call) -> Response:
    found = await kv_keys.read(_storage(call), call.path["key"])
    return ok(json.loads(found.headers.get("CF-KV-Metadata", "null")))


@route("PUT", ONE + "/values/{key:path}", "write a key, raw or as a form with metadata", scope="kv:write")
async def put_value(call: Call) -> Response:
    storage = _storage(call)
    value, metadata = await _value_and_metadata(call)
    await kv_keys.write(storage, call.path["key"], value, metadata, call.query)
    return ok(None)


@route("DELETE", ONE + "/values/{key:path}", "delete a key", scope="kv:write")
async def delete_value(call: Call) -> Response:
    await kv_keys.forget(_storage(call), call.path["key"])
    return ok(None)


@route("PUT", ONE + "/bulk", "write up to 10,000 keys", scope="kv:write")
async def bulk_put(call: Call) -> Response:
    storage, pairs = _storage(call), await _bulk(call)
    await kv_keys.each([kv_keys.write_pair(storage, pair) for pair in pairs])
    return ok({"successful_key_count": len(pairs), "unsuccessful_keys": []})


@route("DELETE", ONE + "/bulk", "delete up to 10,000 keys", scope="kv:write")
@route("POST", ONE + "/bulk/delete", "delete up to 10,000 keys", scope="kv:write")
async def bulk_delete(call: Call) -> Response:
    storage, keys = _storage(call), kv_keys.names(await _bulk(call))
    await kv_keys.each([kv_keys.forget(storage, key) for key in keys])
    return ok({"successful_key_count": len(keys), "unsuccessful_keys": []})


@route("POST", ONE + "/bulk/get", "read up to 100 keys", scope="kv:read")
async def bulk_get(call: Call) -> Response:
    storage, asked = _storage(call), await call.object()
    if not isinstance(asked.get("keys"), list):
        raise ApiError(400, MALFORMED, "keys: a list of key names is missing")
    return ok({"values": await kv_keys.read_many(storage, asked)})


def _shown(namespace: kv_state.Namespace) -> dict[str, object]:
    return {"id": namespace.id, "title": namespace.title, "supports_url_encoding": True}


def _namespace(call: Call) -> kv_state.Namespace:
    found = kv_state.find(call.state.db, call.account, call.path["namespace"])
    if found is None:
        raise ApiError(404, _NO_NAMESPACE, "namespace not found")
    return found


def _storage(call: Call) -> Storage:
    return call.runtime.storage("kv", _namespace(call).id)


async def _title(call: Call) -> str:
    title = (await call.object()).get("title")
    if not isinstance(title, str) or not 0 < len(title.encode()) <= 512:
        raise ApiError(400, MALFORMED, "title: text of 1 to 512 bytes is missing")
    return title


def _title_taken() -> ApiError:
    return ApiError(400, _TITLE_TAKEN, "a namespace with this account ID and title already exists")


async def _bulk(call: Call) -> list[object]:
    body = await call.json()
    if not isinstance(body, list) or len(body) > _MAX_BULK:
        raise ApiError(400, MALFORMED, f"the body must be a list of at most {_MAX_BULK} elements")
    return body


async def _value_and_metadata(call: Call) -> tuple[bytes, str | None]:
    """The one route whose body has two shapes: bytes as they are, or a form with `value` and `metadata`."""
    if not call.request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await call.body(), None
    form = await call.form()
    if "value" not in form:
        raise ApiError(400, MALFORMED, "the form has no field 'value'")
    value, metadata = [await _field(form.get(name)) for name in ("value", "metadata")]
    return value or b"", metadata.decode() if metadata else None


async def _field(field: UploadFile | str | None) -> bytes | None:
    match field:
        case UploadFile():
            return await field.read()
        case str():
            return field.encode()
        case _:
            return None
