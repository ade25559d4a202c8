"""Settings of a script that belong to no version."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Body, Client
from cattlegrid.errors import ApiError


def set_settings(client: Client, script: str, settings: Mapping[str, object]) -> None:
    """Set observability, logpush and tail consumers, which apply to whatever version is live."""
    client.call("PATCH", f"/workers/scripts/{quote(script, safe='')}/script-settings", body=Body(json=dict(settings)))


def migration_tag(client: Client, script: str) -> str | None:
    """The tag of the last Durable Object migration that was applied; None without one or without such a script."""
    path = f"/workers/services/{quote(script, safe='')}"
    try:
        service = reading.mapping(client.get(path), path)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    environment = reading.part(service, "default_environment")
    return reading.optional(reading.part(environment, "script"), "migration_tag") or None
