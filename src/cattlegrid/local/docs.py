"""`docs/local.md`: a written head, then every route of the registry."""

from __future__ import annotations

from importlib.resources import files

from cattlegrid.local import api
from cattlegrid.local.faults import KINDS
from cattlegrid.local.routes import Route, served


def page() -> str:
    api.load()
    head = files("cattlegrid.local").joinpath("docs_head.md").read_text()
    cloudflares = [one for one in served() if not one.local and not one.summary.startswith("refused")]
    refused = [one for one in served() if one.summary.startswith("refused")]
    ours = [one for one in served() if one.local]
    return "\n".join(
        [
            head,
            "## Served as Cloudflare does\n",
            *_table(cloudflares),
            "\n## Refused by name\n",
            *_table(refused),
            "\n## Not Cloudflare's: for tests and for trying things out\n",
            *_table(ours),
            "\nKinds of fault:\n",
            *(f"- `{kind}`: {what}" for kind, what in KINDS.items()),
            "",
        ]
    )


def _table(found: list[Route]) -> list[str]:
    return [
        "| Route (after `/client/v4`) | What it does | Right |",
        "|---|---|---|",
        *(f"| `{one.method} {one.path}` | {one.summary} | {one.scope} |" for one in found),
    ]
