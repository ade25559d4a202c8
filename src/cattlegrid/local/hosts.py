"""Addresses: which Host and path belong to which Worker, and where a version can be reached by itself."""

from __future__ import annotations

import sqlite3

from cattlegrid.local import scripts, tokens, triggers
from cattlegrid.local.scripts import Version


def table(db: sqlite3.Connection) -> dict[str, str]:
    """Host names and route patterns (`example.com/api/*`) to script names."""
    subdomain = tokens.account(db).subdomain
    found: dict[str, str] = {}
    for script in scripts.all_scripts(db):
        if script.subdomain and subdomain:
            found[f"{script.name}.{subdomain}.localhost"] = script.name
            found[f"{script.name}.{subdomain}.workers.dev"] = script.name
    found.update({one.hostname: one.script for one in triggers.domains(db)})
    found.update({one.pattern: one.script for one in triggers.routes(db) if one.script})
    return found


def version_url(db: sqlite3.Connection, router_port: int, version: Version) -> str:
    subdomain = tokens.account(db).subdomain
    return f"http://{version.id[:8]}-{version.script}.{subdomain}.localhost:{router_port}"
