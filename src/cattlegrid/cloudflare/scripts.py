"""Settings of a script that belong to no version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Body, Client
from cattlegrid.errors import ApiError


def set_settings(client: Client, script: str, settings: Mapping[str, object]) -> None:
    """Set observability, logpush and tail consumers, which apply to whatever version is live."""
    client.call("PATCH", f"/workers/scripts/{quote(script, safe='')}/script-settings", body=Body(json=dict(settings)))


@dataclass(frozen=True)
class Address:
    """Whether a script answers at its workers.dev address, and its versions at theirs."""

    enabled: bool
    previews: bool


def address(client: Client, script: str) -> Address:
    path = f"/workers/scripts/{quote(script, safe='')}/subdomain"
    found = reading.mapping(client.get(path), path)
    return Address(found.get("enabled") is True, found.get("previews_enabled") is True)


def delete(client: Client, script: str) -> None:
    """Deletes a script with all its versions; one that is gone already is no error."""
    client.remove(f"/workers/scripts/{quote(script, safe='')}", force="true")


def crons(client: Client, script: str) -> tuple[str, ...]:
    path = f"/workers/scripts/{quote(script, safe='')}/schedules"
    listed = reading.mapping(client.get(path), path).get("schedules")
    entries = listed if isinstance(listed, list) else []
    return tuple(reading.text(reading.mapping(entry, path), "cron", path) for entry in entries)


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
