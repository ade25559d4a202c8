"""Settings of a script that belong to no version."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from cattlegrid.cloudflare.client import Body, Client


def set_settings(client: Client, script: str, settings: Mapping[str, object]) -> None:
    """Set observability, logpush and tail consumers, which apply to whatever version is live."""
    client.call("PATCH", f"/workers/scripts/{quote(script, safe='')}/script-settings", body=Body(json=dict(settings)))
