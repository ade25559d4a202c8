"""Deployments of a script: which version takes which share of the traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Body, Client, items_of
from cattlegrid.errors import ApiError
from cattlegrid.model.version import Deployment

Traffic = tuple[tuple[str, float], ...]


def read(client: Client, script: str) -> tuple[Deployment, ...]:
    """Newest first. Empty when there is no such script, or nothing of it was ever deployed."""
    path = _path(script)
    try:
        found = items_of(client.get(path), "deployments")
    except ApiError as error:
        if error.status == 404:
            return ()
        raise
    return tuple(_deployment(item, path) for item in found)


def create(
    client: Client, script: str, traffic: Sequence[tuple[str, float]], message: str, *, force: bool = False
) -> None:
    """Make `traffic` live. After a lost answer a read tells: same traffic and same message mean that it happened.

    Cloudflare refuses a version from before a secret changed (number 10220), unless `force` says that it is meant.
    """
    versions = [{"version_id": version, "percentage": percentage} for version, percentage in traffic]
    body = Body(json={"strategy": "percentage", "versions": versions, "annotations": {"workers/message": message}})

    def happened() -> bool | None:
        live = read(client, script)
        if not live or sorted(live[0].traffic) != sorted(traffic):
            return None
        return True if live[0].message == message else None

    query = {"force": "true"} if force else {}
    client.once("POST", _path(script), body, happened=happened, read=lambda _: True, query=query)


def _path(script: str) -> str:
    return f"/workers/scripts/{quote(script, safe='')}/deployments"


def _deployment(value: Mapping[str, object], where: str) -> Deployment:
    return Deployment(
        id=reading.text(value, "id", where),
        created_on=reading.date(value, "created_on", where),
        author=reading.optional(value, "author_email"),
        source=reading.optional(value, "source"),
        message=reading.optional(reading.part(value, "annotations"), "workers/message"),
        traffic=tuple(_share(item, where) for item in items_of(value.get("versions"))),
    )


def _share(value: Mapping[str, object], where: str) -> tuple[str, float]:
    percentage = value.get("percentage")
    if not isinstance(percentage, (int, float)):
        raise ApiError("a deployed version has no percentage", where=where)
    return reading.text(value, "version_id", where), float(percentage)
