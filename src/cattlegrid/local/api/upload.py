"""A script upload: its parts read, its metadata checked, nothing stored yet."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, UploadFile

from cattlegrid.local.envelope import ApiError
from cattlegrid.local.scripts import StoredModule
from cattlegrid.local.state import State

_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")
_MAX_COMPRESSED = 10 * 1024 * 1024
_MAX_RAW = 64 * 1024 * 1024
_MAX_TAG = 25
_MAX_MESSAGE = 100
_OLDEST_DATE = "2021-11-02"
_SOURCE_MAP = "application/source-map"
_UNSERVED = {
    "containers": "Containers",
    "exports": "Durable Objects that are declared as exports instead of by migrations",
    "streaming_tail_consumers": "Streaming Tail Workers",
    "tail_consumers": "Tail Workers",
}


@dataclass(frozen=True)
class Part:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Upload:
    """`metadata` as sent; `modules` without source maps, the main one among them unless there are only assets."""

    metadata: Mapping[str, Any]
    modules: tuple[Part, ...]

    @property
    def main_module(self) -> str | None:
        main = self.metadata.get("main_module")
        return None if main is None else str(main)


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        message = (
            f"Invalid Worker name {name!r}: names may have lowercase letters, digits, dashes and underscores, "
            "must not begin with a dash, and have at most 63 characters"
        )
        raise ApiError(400, 10016, message)


async def read_upload(form: FormData) -> Upload:
    """Raises ApiError for a missing part, a main module that was not sent, and what is too big."""
    metadata = await _metadata(form)
    if "body_part" in metadata:
        message = "Service-worker scripts (body_part) are not served by the local Cloudflare: export a default handler"
        raise ApiError(501, 7000, message)
    refuse_unserved(metadata)
    parts = [
        Part(name, value.content_type or "application/octet-stream", await value.read())
        for name, value in form.multi_items()
        if isinstance(value, UploadFile) and name != "metadata"
    ]
    modules = tuple(part for part in parts if part.content_type != _SOURCE_MAP)
    upload = Upload(metadata, modules)
    if upload.main_module is None and not metadata.get("assets") and not metadata.get("keep_assets"):
        raise ApiError(400, 10021, "Uncaught Error: metadata.main_module is missing and there are no assets")
    if upload.main_module is not None and upload.main_module not in {part.name for part in modules}:
        raise ApiError(400, 10021, f"No such module: {upload.main_module!r} is the main module but was not uploaded")
    _check_size(modules)
    return upload


def refuse_unserved(said: Mapping[str, Any]) -> None:
    """Raises ApiError 501 for what would be taken and then never happen."""
    for name, what in _UNSERVED.items():
        if said.get(name):
            raise ApiError(501, 7000, f"{what} ({name}) are not served by the local Cloudflare")


async def _metadata(form: FormData) -> dict[str, Any]:
    return parsed(await text_of(form.get("metadata")), "metadata")


async def text_of(part: UploadFile | str | None) -> str:
    if isinstance(part, UploadFile):
        return (await part.read()).decode()
    return part or ""


def parsed(text: str, part: str) -> dict[str, Any]:
    """Raises ApiError when the part is absent or no JSON object."""
    if not text:
        raise ApiError(400, 10021, f"The upload has no part named {part}")
    try:
        said = json.loads(text)
    except ValueError as broken:
        raise ApiError(400, 10006, f"The part {part} is not JSON: {broken}") from None
    if not isinstance(said, dict):
        raise ApiError(400, 10006, f"The part {part} is not a JSON object")
    return said


def _check_size(modules: Sequence[Part]) -> None:
    raw = sum(len(part.content) for part in modules)
    if raw <= _MAX_COMPRESSED:
        return
    compressed = sum(len(gzip.compress(part.content, 1)) for part in modules) if raw <= _MAX_RAW else raw
    if compressed > _MAX_COMPRESSED:
        message = (
            "Your Worker exceeded the size limit of 10 MiB. Please remove unnecessary dependencies. "
            f"It is {raw // 1024} KiB, {compressed // 1024} KiB compressed"
        )
        raise ApiError(413, 10027, message)


def stored(state: State, modules: Sequence[Part]) -> tuple[StoredModule, ...]:
    return tuple(
        StoredModule(part.name, part.content_type, state.keep(part.content), len(part.content)) for part in modules
    )


def etag(main_module: str | None, modules: Sequence[StoredModule]) -> str:
    """Equal for equal code: neither bindings nor secrets nor the order of the parts count."""
    told = [main_module, sorted((one.name, one.content_type, one.blob) for one in modules)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def compatibility_date(metadata: Mapping[str, Any], before: str | None = None) -> str:
    """Raises ApiError 10021 for a date that has not come yet or is none."""
    said = metadata.get("compatibility_date", before or _OLDEST_DATE)
    try:
        date = dt.date.fromisoformat(str(said))
    except ValueError:
        raise ApiError(400, 10021, f"Invalid compatibility date: {said!r} is not YYYY-MM-DD") from None
    if date > dt.datetime.now(dt.UTC).date():
        raise ApiError(400, 10021, f"Can't set compatibility date in the future: {said}")
    return str(said)


def annotated(metadata: Mapping[str, Any]) -> dict[str, str]:
    """A message is cut at 100 bytes, as Cloudflare does; a tag over 25 characters is refused."""
    said = metadata.get("annotations") or {}
    kept = {str(name): str(value) for name, value in said.items() if name in {"workers/message", "workers/tag"}}
    if len(kept.get("workers/tag", "")) > _MAX_TAG:
        raise ApiError(400, 10021, f"annotations.workers/tag: at most {_MAX_TAG} characters are allowed")
    if "workers/message" in kept:
        kept["workers/message"] = kept["workers/message"].encode()[:_MAX_MESSAGE].decode(errors="ignore")
    return kept
