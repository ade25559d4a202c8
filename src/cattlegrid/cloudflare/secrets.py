"""Secrets of a script: their names can be read, their values can only be set."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from cattlegrid.cloudflare import deployments, versions
from cattlegrid.cloudflare.client import Body, Client, items_of
from cattlegrid.errors import ApiError, Refused
from cattlegrid.model.secret import Secret

MESSAGE: Final = "cattlegrid secrets"
_BY_SECRET: Final = "secret"  # noqa: S105 - Cloudflare's word for why a version was made
_ALL: Final = 100.0


def names(client: Client, script: str) -> frozenset[str]:
    """The names of the script's secrets; none when there is no such script."""
    try:
        found = items_of(client.get(f"/workers/scripts/{quote(script, safe='')}/secrets"))
    except ApiError as error:
        if error.status == 404:
            return frozenset()
        raise
    return frozenset(str(item.get("name")) for item in found)


def change(client: Client, script: str, secrets: Mapping[str, Secret | None], variables: Mapping[str, str]) -> str:
    """Set these secrets, delete those that are None, set these plain variables: one version, which then goes live.

    Its code is that of the version before it. Returns its id. Raises Refused when the newest version is not live,
    since its code would go live with the secrets.
    """
    _refuse_half_deployed(client, script)
    env: dict[str, object] = {
        name: None if value is None else {"type": "secret_text", "text": value.reveal()}
        for name, value in secrets.items()
    }
    env |= {name: {"type": "plain_text", "text": text} if text else None for name, text in variables.items()}
    message = f"{MESSAGE} {randomness.token_hex(6)}"
    body = Body(
        json={"env": env, "annotations": {"workers/message": message}}, content_type="application/merge-patch+json"
    )

    def happened() -> str | None:
        newest = versions.newest(client, script, at_most=1)
        return newest[0].id if newest and newest[0].message == message else None

    path = f"/workers/workers/{quote(script, safe='')}/versions/latest"
    version = client.once("PATCH", path, body, happened=happened, read=_id)
    deployments.create(client, script, [(version, _ALL)], message)
    return version


def _refuse_half_deployed(client: Client, script: str) -> None:
    """A newest version that an interrupted change of secrets left behind has the live code, and is built upon."""
    newest = versions.newest(client, script, at_most=1)
    live = deployments.read(client, script)
    if not newest or not live:
        raise Refused(
            "it was never deployed; its secrets go up with its first deploy", where=script, next="cattlegrid deploy"
        )
    serving = live[0].traffic
    if serving == ((newest[0].id, _ALL),):
        return
    left_behind = newest[0].triggered_by == _BY_SECRET and len([share for share in serving if share[1] > 0]) == 1
    if left_behind:
        ours = versions.read(client, script, newest[0].id)
        theirs = versions.read(client, script, max(serving, key=lambda share: share[1])[0])
        if ours.etag and ours.etag == theirs.etag:
            return
    raise Refused(
        "its newest version is not the one that is live: a promotion is under way, or was left half done",
        where=script,
        next="cattlegrid status",
    )


def _id(result: object) -> str:
    found = result.get("id") if isinstance(result, Mapping) else None
    if not isinstance(found, str):
        raise ApiError("Cloudflare did not say which version it made", where="PATCH versions/latest")
    return found
