"""Versions and deployments of a Worker, in Cloudflare's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cattlegrid.model.stamp import Stamp


@dataclass(frozen=True)
class Module:
    """One module of a version's code: `name` may hold slashes; `content_type` as it was uploaded."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Version:
    """An immutable version of a script. `etag` names the code: a secret's change makes a version with an equal etag."""

    id: str
    number: int
    created_on: datetime
    author: str
    source: str
    triggered_by: str
    tag: str
    message: str
    etag: str
    bindings: tuple[Mapping[str, object], ...] = ()
    url: str | None = None

    @property
    def stamp(self) -> Stamp | None:
        return Stamp.read(self.message)


@dataclass(frozen=True)
class Deployment:
    """Which versions of a script take which percentage of traffic, since when. Two at the most."""

    id: str
    created_on: datetime
    author: str
    source: str
    message: str
    traffic: tuple[tuple[str, float], ...]
