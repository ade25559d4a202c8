"""The objects of one R2 bucket, through the simulator that Workers' bindings use.

The simulator speaks the runtime's own protocol: a JSON request in a header for reads and in front of the bytes for
writes, an answer whose first `CF-R2-Metadata-Size` bytes are JSON, and errors in `CF-R2-Error`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any

import httpx2

from cattlegrid.local.envelope import ApiError

Storage = Callable[..., Awaitable[httpx2.Response]]
MALFORMED = 10029
_CUSTOM = "x-amz-meta-"
_CHUNK = 1 << 20
_FIELDS = {
    "content-type": "contentType",
    "content-language": "contentLanguage",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "cache-control": "cacheControl",
}


@dataclass(frozen=True)
class Object:
    """`raw` is the simulator's description of the object, `content` its bytes or none of them."""

    raw: Mapping[str, Any]
    content: bytes
    status: int


async def read(storage: Storage, key: str, byte_range: str | None) -> Object:
    """An object with its bytes; `byte_range` is a `Range` header or None."""
    asked = {"method": "get", "object": key} | ({"rangeHeader": byte_range} if byte_range else {})
    return await _read(storage, asked, status=206 if byte_range else 200)


async def head(storage: Storage, key: str) -> Object:
    return await _read(storage, {"method": "head", "object": key}, status=200)


async def write(storage: Storage, key: str, content: IO[bytes], size: int, headers: Mapping[str, str]) -> Object:
    """Writes `size` bytes under the metadata that the request's `headers` carry."""
    asked = {
        "method": "put",
        "object": key,
        "httpFields": _http_fields(headers),
        "customFields": _custom_fields(headers),
    }
    described = json.dumps(asked).encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield described
        while piece := content.read(_CHUNK):
            yield piece

    sent = {"cf-r2-metadata-size": str(len(described)), "content-length": str(len(described) + size)}
    return _object(await _checked(storage("PUT", "/", headers=sent, content=pieces())), status=200)


async def forget(storage: Storage, keys: list[str]) -> None:
    described = json.dumps({"method": "delete", "objects": keys}).encode()
    headers = {"cf-r2-metadata-size": str(len(described))}
    await _checked(storage("PUT", "/", headers=headers, content=described))


async def listed(storage: Storage, options: Mapping[str, object]) -> dict[str, Any]:
    """A page: `objects`, `truncated`, `cursor`, `delimitedPrefixes`; options are the runtime's own."""
    found = await _read(storage, {"method": "list", "include": [0, 1], **options}, status=200)
    return dict(found.raw)


def shown(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An object as the REST API describes it."""
    uploaded = datetime.fromtimestamp(int(raw["uploaded"]) / 1000, UTC)
    return {
        "key": raw["name"],
        "etag": raw["etag"],
        "version": raw["version"],
        "size": raw["size"],
        "last_modified": uploaded.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "http_metadata": dict(raw.get("httpFields") or {}),
        "custom_metadata": {field["k"]: field["v"] for field in raw.get("customFields") or []},
        "storage_class": "Standard",
        "ssec": False,
    }


def headers_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """The HTTP headers that come with an object's bytes."""
    fields = raw.get("httpFields") or {}
    headers = {name: str(fields[field]) for name, field in _FIELDS.items() if field in fields}
    headers |= {_CUSTOM + field["k"]: field["v"] for field in raw.get("customFields") or []}
    uploaded = datetime.fromtimestamp(int(raw["uploaded"]) / 1000, UTC)
    headers["last-modified"] = uploaded.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return headers | {"etag": f'"{raw["etag"]}"'}


def _http_fields(headers: Mapping[str, str]) -> dict[str, str | int]:
    fields: dict[str, str | int] = {field: headers[name] for name, field in _FIELDS.items() if name in headers}
    if "expires" in headers:
        try:
            fields["cacheExpiry"] = int(parsedate_to_datetime(headers["expires"]).timestamp() * 1000)
        except ValueError as wrong:
            raise ApiError(400, MALFORMED, f"expires: {wrong}") from wrong
    return fields


def _custom_fields(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"k": name.lower().removeprefix(_CUSTOM), "v": value}
        for name, value in headers.items()
        if name.lower().startswith(_CUSTOM)
    ]


async def _read(storage: Storage, asked: Mapping[str, object], *, status: int) -> Object:
    answer = await _checked(storage("GET", "/", headers={"cf-r2-request": json.dumps(asked)}))
    return _object(answer, status=status)


async def _checked(asked: Awaitable[httpx2.Response]) -> httpx2.Response:
    answer = await asked
    if answer.is_success:
        return answer
    error = json.loads(answer.headers.get("CF-R2-Error", "{}"))
    raise ApiError(answer.status_code, error.get("v4code", 10001), error.get("message", answer.text))


def _object(answer: httpx2.Response, *, status: int) -> Object:
    described = int(answer.headers["CF-R2-Metadata-Size"])
    return Object(json.loads(answer.content[:described]), answer.content[described:], status)
