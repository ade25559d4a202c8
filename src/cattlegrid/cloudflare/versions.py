"""Versions of a script: what they are, what they hold, where they answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Client, items_of
from cattlegrid.errors import ApiError
from cattlegrid.model.version import Module, Version


def read(client: Client, script: str, version_id: str) -> Version:
    """One version with its bindings and the etag of its code."""
    path = f"/workers/scripts/{quote(script, safe='')}/versions/{version_id}"
    return _version(reading.mapping(client.get(path), path), path)


def newest(client: Client, script: str, *, at_most: int = 100) -> tuple[Version, ...]:
    """The newest versions, newest first, without bindings and etag. Empty when there is no such script."""
    path = f"/workers/scripts/{quote(script, safe='')}/versions"
    try:
        found = items_of(client.get(path, per_page=min(at_most, 100)), "items")
    except ApiError as error:
        if error.status == 404:
            return ()
        raise
    versions = (_version(item, path) for item in found)
    return tuple(sorted(versions, key=lambda version: version.number, reverse=True)[:at_most])


def modules(client: Client, script: str, version_id: str) -> tuple[tuple[Module, ...], str]:
    """The code of a version, byte for byte, and the name of its main module; neither where static assets are all."""
    path = f"/workers/workers/{quote(script, safe='')}/versions/{version_id}"
    answer = reading.mapping(client.get(path, include="modules"), path)
    found = tuple(
        Module(
            reading.text(item, "name", path),
            reading.optional(item, "content_type"),
            base64.b64decode(reading.text(item, "content_base64", path)),
        )
        for item in items_of(answer.get("modules"))
    )
    if not found and not answer.get("assets"):
        raise ApiError("Cloudflare did not return the modules of this version", where=f"GET {path}")
    return found, reading.text(answer, "main_module", path) if found else ""


def address(client: Client, script: str, version_id: str) -> str:
    """Where the script answers, without a slash at the end: asked of Cloudflare, never composed from habit."""
    path = f"/workers/workers/{quote(script, safe='')}/versions/{version_id}"
    answer = reading.mapping(client.get(path), path)
    urls = answer.get("urls")
    own = f"://{version_id[:8]}-"
    for url in urls if isinstance(urls, list) else []:
        if own in str(url):
            return str(url).replace(own, "://", 1).rstrip("/")
    subdomain = reading.text(reading.mapping(client.get("/workers/subdomain"), path), "subdomain", path)
    return f"https://{script}.{subdomain}.workers.dev"


def _version(value: Mapping[str, object], where: str) -> Version:
    metadata, notes = reading.part(value, "metadata"), reading.part(value, "annotations")
    resources = reading.part(value, "resources")
    number = value.get("number")
    return Version(
        id=reading.text(value, "id", where),
        number=number if isinstance(number, int) else 0,
        created_on=reading.date(metadata, "created_on", where),
        author=reading.optional(metadata, "author_email"),
        source=reading.optional(metadata, "source"),
        triggered_by=reading.optional(notes, "workers/triggered_by"),
        tag=reading.optional(notes, "workers/tag"),
        message=reading.optional(notes, "workers/message"),
        etag=reading.optional(reading.part(resources, "script"), "etag"),
        bindings=tuple(items_of(resources.get("bindings"))),
    )
