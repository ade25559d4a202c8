"""Whether a script's triggers are what its configuration says, by two reads instead of a run of wrangler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cattlegrid.cloudflare import scripts
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.target import Deployable

KEYS: Final = ("route", "routes", "triggers", "queues", "workers_dev", "preview_urls")


def as_declared(client: Client, deployable: Deployable) -> bool:
    """True when nothing is to be set. Routes, domains and queue consumers are not read here: with them it is False."""
    config = deployable.config
    if not any(key in config for key in KEYS):
        return True
    if config.get("route") or config.get("routes") or _table(config.get("queues")).get("consumers"):
        return False
    crons = _table(config.get("triggers")).get("crons")
    if isinstance(crons, list) and set(crons) != set(scripts.crons(client, deployable.script)):
        return False
    address = scripts.address(client, deployable.script)
    previews = config.get("preview_urls", address.previews)
    return address.enabled == config.get("workers_dev", True) and address.previews == previews


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
