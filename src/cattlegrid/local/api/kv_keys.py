"""The keys of one KV namespace, through the simulator that Workers' bindings use."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx2

from cattlegrid.local.envelope import ApiError

Storage = Callable[..., Awaitable[httpx2.Response]]
KEY_NOT_FOUND = 10009
MALFORMED = 10012  # the public code of a refused key or value is not known; wrangler decides nothing by it
_AT_ONCE = 16


async def read(storage: Storage, key: str) -> httpx2.Response:
    """The simulator's answer for a key that exists: the bytes, `CF-Expiration` and `CF-KV-Metadata`."""
    return await _ask(storage, "GET", _path(key), params={"urlencoded": "true"})


async def write(storage: Storage, key: str, value: bytes, metadata: str | None, expiry: Mapping[str, str]) -> None:
    """Writes one key; `metadata` is JSON text, `expiry` holds `expiration` or `expiration_ttl` in seconds."""
    if metadata is not None:
        _json(metadata.encode())
    params = {"urlencoded": "true"} | {
        name: expiry[name] for name in ("expiration", "expiration_ttl") if expiry.get(name)
    }
    headers = {} if metadata in (None, "null") else {"CF-KV-Metadata": _ascii(metadata)}
    await _ask(storage, "PUT", _path(key), params=params, headers=headers, content=value)


def _ascii(metadata: str | None) -> str:
    return json.dumps(json.loads(metadata or "null"), separators=(",", ":"))


async def write_pair(storage: Storage, pair: object) -> None:
    """Writes one element of a bulk request."""
    if not isinstance(pair, dict) or not isinstance(pair.get("key"), str) or not isinstance(pair.get("value"), str):
        raise ApiError(400, MALFORMED, "each element needs a string 'key' and a string 'value'")
    value = pair["value"].encode()
    if pair.get("base64"):
        try:
            value = base64.b64decode(value, validate=True)
        except binascii.Error as wrong:
            raise ApiError(400, MALFORMED, f"the value of '{pair['key']}' is not base64: {wrong}") from wrong
    metadata = json.dumps(pair["metadata"]) if pair.get("metadata") is not None else None
    expiry = {name: str(pair[name]) for name in ("expiration", "expiration_ttl") if pair.get(name)}
    await write(storage, pair["key"], value, metadata, expiry)


async def forget(storage: Storage, key: str) -> None:
    await _ask(storage, "DELETE", _path(key), params={"urlencoded": "true"})


async def read_many(storage: Storage, body: Mapping[str, object]) -> dict[str, object]:
    """Values by key, null where there is none; `body` is the API's own (`keys`, `type`, `withMetadata`)."""
    answer = await _ask(storage, "POST", "/bulk/get", content=json.dumps(body).encode())
    return dict(answer.json())


async def listed(storage: Storage, *, prefix: str, limit: int, cursor: str) -> tuple[list[dict[str, Any]], str]:
    """A page of keys as the API shows them, and the cursor of the next page or ''."""
    params = {"key_count_limit": str(limit), "prefix": prefix} | ({"cursor": cursor} if cursor else {})
    page = (await _ask(storage, "GET", "/", params=params)).json()
    return [_shown(key) for key in page["keys"]], page.get("cursor", "")


def _shown(key: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": key["name"]}
    if key.get("expiration") is not None:
        shown["expiration"] = key["expiration"]
    if key.get("metadata") is not None:
        shown["metadata"] = json.loads(key["metadata"])
    return shown


async def each(calls: Sequence[Awaitable[None]]) -> None:
    """Awaits all, some at a time; the first failure is raised when its group is done."""
    for start in range(0, len(calls), _AT_ONCE):
        await asyncio.gather(*calls[start : start + _AT_ONCE])


def _path(key: str) -> str:
    # "." and ".." would be taken for a folder on the way
    if key in ("", ".", ".."):
        raise ApiError(400, MALFORMED, f'Illegal key name "{key}". Please use a different name.')
    return "/" + quote(key, safe="")


async def _ask(storage: Storage, method: str, path: str, **more: object) -> httpx2.Response:
    answer = await storage(method, path, **more)
    if answer.is_success:
        return answer
    if answer.status_code == 404:
        raise ApiError(404, KEY_NOT_FOUND, "get: 'key not found'")
    raise ApiError(answer.status_code, MALFORMED, answer.text)


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError as wrong:
        raise ApiError(400, MALFORMED, f"metadata is not JSON: {wrong}") from wrong


def names(keys: Iterable[object]) -> list[str]:
    """Key names of a bulk delete, which takes them bare or as objects with a `name`."""
    bare = [key.get("name") if isinstance(key, dict) else key for key in keys]
    if not all(isinstance(key, str) for key in bare):
        raise ApiError(400, MALFORMED, "each element must be a key name")
    return [str(key) for key in bare]
