"""Reading Cloudflare's JSON: what must be there is asked for by name, and its absence is an error that says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cattlegrid.errors import ApiError

Json = Mapping[str, object]


def mapping(value: object, where: str) -> Json:
    if not isinstance(value, Mapping):
        raise ApiError("Cloudflare's answer does not have the documented form", where=where)
    return value


def part(value: Json, key: str) -> Json:
    """An object inside an object; empty when it is absent, as optional parts of answers are."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def text(value: Json, key: str, where: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise ApiError(f"Cloudflare's answer has no {key!r}", where=where)
    return found


def optional(value: Json, key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def date(value: Json, key: str, where: str) -> datetime:
    raw = text(value, key, where)
    try:
        return datetime.fromisoformat(raw)
    except ValueError as error:
        raise ApiError(f"{key} {raw!r} is not a date", where=where) from error
