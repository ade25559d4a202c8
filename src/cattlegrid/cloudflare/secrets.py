"""Secrets of a script: their names can be read, their values can only be set."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from cattlegrid.cloudflare.client import Body, Client, items_of
from cattlegrid.errors import ApiError
from cattlegrid.model.secret import Secret


def names(client: Client, script: str) -> frozenset[str]:
    """The names of the script's secrets; none when there is no such script."""
    try:
        found = items_of(client.get(f"/workers/scripts/{quote(script, safe='')}/secrets"))
    except ApiError as error:
        if error.status == 404:
            return frozenset()
        raise
    return frozenset(str(item.get("name")) for item in found)


def put(client: Client, script: str, values: Mapping[str, Secret]) -> None:
    """Set all of them in one call. Setting the same values twice is harmless, so a lost answer is repeated."""
    content = {name: {"name": name, "text": value.reveal(), "type": "secret_text"} for name, value in values.items()}
    body = Body(json={"secrets": content}, content_type="application/merge-patch+json")
    client.call("PATCH", f"/workers/scripts/{quote(script, safe='')}/secrets-bulk", body=body)
