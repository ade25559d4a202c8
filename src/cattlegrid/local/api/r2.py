"""R2 over REST. Buckets are rows of ours; objects live in the simulator that Workers' bindings use."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import Any

from starlette.responses import Response

from cattlegrid.local.api import r2_objects, r2_state
from cattlegrid.local.api.r2_objects import MALFORMED, Storage
from cattlegrid.local.envelope import ApiError, ok, page_number
from cattlegrid.local.routes import Call, route

BUCKETS = "/accounts/{account}/r2/buckets"
ONE = BUCKETS + "/{bucket}"
OBJECTS = ONE + "/objects"
_IN_MEMORY = 8 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_TAKEN, _BAD_NAME, _NO_BUCKET, _NOT_EMPTY = 10004, 10005, 10006, 10008


@route("POST", BUCKETS, "create an R2 bucket", scope="r2:write")
async def create(call: Call) -> Response:
    body = await call.object()
    name = body.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ApiError(400, _BAD_NAME, "The specified bucket name is not valid.")
    bucket = r2_state.Bucket(
        account=call.account,
        name=name,
        created=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        location=str(body.get("locationHint") or "WEUR").upper(),
        jurisdiction=_jurisdiction(call),
        storage_class=str(body.get("storageClass") or "Standard"),
    )
    try:
        r2_state.add(call.state.db, bucket)
    except sqlite3.IntegrityError:
        message = "The bucket you tried to create already exists, and you own it."
        raise ApiError(409, _TAKEN, message) from None
    return ok(_shown(bucket))


@route("GET", BUCKETS, "list R2 buckets", scope="r2:read")
async def list_buckets(call: Call) -> Response:
    fragment, after = call.query.get("name_contains", ""), call.query.get("cursor") or call.query.get("start_after", "")
    per_page = min(page_number(call.query, "per_page", 1000), 1000)
    jurisdiction = _jurisdiction(call)
    found = [
        bucket
        for bucket in r2_state.of_account(call.state.db, call.account)
        if fragment in bucket.name and bucket.name > after and bucket.jurisdiction == jurisdiction
    ]
    shown, more = found[:per_page], len(found) > per_page
    info = {"per_page": per_page, "cursor": shown[-1].name if more else ""}
    return ok({"buckets": [_shown(bucket) for bucket in shown]}, info=info)


@route("GET", ONE, "one R2 bucket", scope="r2:read")
async def get_bucket(call: Call) -> Response:
    return ok(_shown(_bucket(call)))


@route("PATCH", ONE, "change the storage class of an R2 bucket", scope="r2:write")
async def change(call: Call) -> Response:
    storage_class = call.request.headers.get("cf-r2-storage-class", "")
    if storage_class not in ("Standard", "InfrequentAccess"):
        raise ApiError(400, MALFORMED, "cf-r2-storage-class must be Standard or InfrequentAccess")
    r2_state.store_as(call.state.db, _bucket(call), storage_class)
    return ok(_shown(_bucket(call)))


@route("DELETE", ONE, "delete an empty R2 bucket", scope="r2:write")
async def delete_bucket(call: Call) -> Response:
    bucket, storage = _bucket(call), _storage(call)
    if (await r2_objects.listed(storage, {"limit": 1}))["objects"]:
        message = f"The bucket you tried to delete ({bucket.name}) is not empty (account {call.account})"
        raise ApiError(409, _NOT_EMPTY, message)
    r2_state.remove(call.state.db, bucket)
    return ok({})


@route("GET", OBJECTS, "list objects by prefix and delimiter, with a cursor", scope="r2:read")
async def list_objects(call: Call) -> Response:
    options: dict[str, Any] = {
        name: call.query[name] for name in ("prefix", "cursor", "delimiter") if call.query.get(name)
    }
    if call.query.get("start_after"):
        options["startAfter"] = call.query["start_after"]
    per_page = page_number(call.query, "per_page", 20)
    page = await r2_objects.listed(_storage(call), options | {"limit": min(per_page, 1000)})
    info = {
        "cursor": page.get("cursor", ""),
        "is_truncated": page["truncated"],
        "per_page": per_page,
        "delimited": page["delimitedPrefixes"],
    }
    return ok([r2_objects.shown(raw) for raw in page["objects"]], info=info)


@route("PUT", OBJECTS + "/{key:path}", "write an object, with its headers as metadata", scope="r2:write")
async def put_object(call: Call) -> Response:
    storage = _storage(call)
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as content:
        async for piece in call.request.stream():
            content.write(piece)
        size = content.tell()
        content.seek(0)
        written = await r2_objects.write(storage, call.path["key"], content, size, call.request.headers)
    return ok(r2_objects.shown(written.raw))


@route("GET", OBJECTS + "/{key:path}", "the bytes of an object", scope="r2:read")
async def get_object(call: Call) -> Response:
    found = await r2_objects.read(_storage(call), call.path["key"], call.request.headers.get("range"))
    return Response(found.content, status_code=found.status, headers=r2_objects.headers_of(found.raw))


@route("HEAD", OBJECTS + "/{key:path}", "the metadata of an object", scope="r2:read")
async def head_object(call: Call) -> Response:
    found = await r2_objects.head(_storage(call), call.path["key"])
    return Response(headers=r2_objects.headers_of(found.raw) | {"content-length": str(found.raw["size"])})


@route("DELETE", OBJECTS + "/{key:path}", "delete an object", scope="r2:write")
async def delete_object(call: Call) -> Response:
    await r2_objects.forget(_storage(call), [call.path["key"]])
    return ok({"key": call.path["key"]})


@route("DELETE", OBJECTS, "delete the objects of a list of keys", scope="r2:write")
async def delete_objects(call: Call) -> Response:
    keys = await call.json()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ApiError(400, MALFORMED, "the body must be a list of keys")
    await r2_objects.forget(_storage(call), keys)
    return ok([{"key": key} for key in keys])


def _shown(bucket: r2_state.Bucket) -> dict[str, object]:
    return {
        "name": bucket.name,
        "creation_date": bucket.created,
        "location": bucket.location,
        "jurisdiction": bucket.jurisdiction,
        "storage_class": bucket.storage_class,
    }


def _bucket(call: Call) -> r2_state.Bucket:
    found = r2_state.find(call.state.db, call.account, call.path["bucket"])
    if found is None or found.jurisdiction != _jurisdiction(call):
        raise ApiError(404, _NO_BUCKET, "The specified bucket does not exist.")
    return found


def _storage(call: Call) -> Storage:
    return call.runtime.storage("r2", _bucket(call).name)


def _jurisdiction(call: Call) -> str:
    return str(call.request.headers.get("cf-r2-jurisdiction", "default"))
