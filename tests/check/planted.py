"""A fleet of one Worker in order, and the faults that are planted into it, each with its rule and its place."""

from __future__ import annotations

from pathlib import Path

from repositories import Clone, empty

SETTINGS = '[fleet]\nname = "crane"\nworkers = ["workers/*"]\n[workers.a]\nprobe = "/p"\n'
GOOD = """\
name = "a-staging"
compatibility_date = "2026-01-01"
[vars]
API = "https://staging.example.com"
[[kv_namespaces]]
binding = "KV"
id = "kv-staging"
[env.production]
name = "a"
routes = [{ pattern = "example.com", custom_domain = true }]
[env.production.vars]
API = "https://example.com"
[[env.production.kv_namespaces]]
binding = "KV"
id = "kv-production"
"""


def fleet(root: Path, text: str = GOOD, settings: str = SETTINGS, **files: str) -> Clone:
    clone = empty(root)
    named = {path.replace("__", "/"): content for path, content in files.items()}
    clone.write({"cattlegrid.toml": settings, "workers/a/wrangler.toml": text, **named})
    return clone


PLANTED = {
    "C101": ('name = "a"\n', (1, 1)),
    "C102": (GOOD.replace('"kv-staging"', '"kv-production"'), (7, 1)),
    "C103": (GOOD.replace('"a-staging"', '"a"'), (1, 1)),
    "C104": (GOOD.replace("[vars]", 'routes = ["example.com/api/*"]\n[vars]', 1), (3, 1)),
    "C105": (GOOD.replace('id = "kv-staging"', 'id = "kv-staging"\npreview_id = "kv-production"'), (8, 1)),
    "C201": (
        GOOD.replace("[env.production]", '[[kv_namespaces]]\nbinding = "MORE"\nid = "m"\n[env.production]', 1),
        (8, 1),
    ),
    "C202": (GOOD.replace("[[kv", 'NEW = "1"\n[[kv', 1), (5, 1)),
    "C203": (GOOD.replace("routes", 'compatibility_date = "2026-02-01"\nroutes'), (10, 1)),
    "C204": (GOOD.replace("[vars]", 'account_id = "other"\n[vars]', 1), (3, 1)),
    "C205": (GOOD.replace('id = "kv-production"', 'id = "kv-production"\nremote = true\nweight = 2'), (17, 1)),
    "C301": (GOOD.replace("https://staging.example.com", "https://example.com/v1"), (4, 1)),
    "C302": (GOOD.replace("[[kv", 'TOKEN = "ghp_0123456789abcdefghij"\n[[kv', 1), (5, 1)),
    "C404": (GOOD + "[env.preview]\n", (16, 2)),
    "C503": ("quantum = true\n" + GOOD, (1, 1)),
}
