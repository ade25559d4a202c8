"""Cloudflare's answer envelope, its errors, and the three shapes of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import JSONResponse, Response


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal as Cloudflare words it. `result` is null except on D1, which answers an empty list."""

    status: int
    code: int
    message: str
    result: Any = None
    documentation_url: str | None = None
    chain: tuple[tuple[int, str], ...] = ()
    headers: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.message} [code: {self.code}]"


def ok(result: Any, *, info: Mapping[str, Any] | None = None, status: int = 200) -> Response:
    """`info` is the `result_info` of a page."""
    body: dict[str, Any] = {"success": True, "errors": [], "messages": [], "result": result}
    if info is not None:
        body["result_info"] = dict(info)
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status_code=status, media_type="application/json")


def refused(error: ApiError) -> Response:
    said: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.documentation_url:
        said["documentation_url"] = error.documentation_url
    if error.chain:
        said["error_chain"] = [{"code": code, "message": message} for code, message in error.chain]
    body = {"success": False, "errors": [said], "messages": [], "result": error.result}
    return JSONResponse(body, status_code=error.status, headers=dict(error.headers or {}))


def page_number(query: Mapping[str, str], name: str, default: int) -> int:
    """A positive whole number of the query string. Raises ApiError 400."""
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ApiError(400, 10005, f"{name}: must be a positive whole number, not {text!r}")
    return int(text)


def paged(query: Mapping[str, str], found: Sequence[Any], *, default: int = 20, most: int = 1000) -> Response:
    """A page by `page` and `per_page`; past the end an empty one, which is where Cloudflare's SDK stops."""
    page = page_number(query, "page", 1)
    per_page = min(page_number(query, "per_page", default), most)
    shown = list(found[(page - 1) * per_page : page * per_page])
    info = {
        "page": page,
        "per_page": per_page,
        "count": len(shown),
        "total_count": len(found),
        "total_pages": -(-len(found) // per_page),
    }
    return ok(shown, info=info)


def by_cursor(query: Mapping[str, str], found: Sequence[Any], *, default: int = 20, most: int = 1000) -> Response:
    """A page by `cursor`; the last one has an empty cursor. `page` is honoured too, for callers that count."""
    if "page" in query and "cursor" not in query:
        return paged(query, found, default=default, most=most)
    per_page = min(page_number(query, "per_page", default), most)
    start = page_number(query, "cursor", 0)
    shown = list(found[start : start + per_page])
    following = start + per_page
    cursor = str(following) if following < len(found) else ""
    return ok(shown, info={"count": len(shown), "per_page": per_page, "cursor": cursor, "total_count": len(found)})
