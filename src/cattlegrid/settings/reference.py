"""The reference page of the settings, made from their table."""

from __future__ import annotations

from itertools import groupby

from cattlegrid.settings.table import SETTINGS, Setting

_HEAD = """\
# Settings

`cattlegrid.toml` stands at the root of the repository. This page is made from the table that checks the file:
`python -m cattlegrid.settings.reference > docs/settings.md`.

`*` stands for a name of yours (a worker, an environment, a venture), `[]` for each entry of a list.
"""


def page() -> str:
    parts = [_HEAD]
    for table, rows in groupby(SETTINGS, key=lambda setting: setting.name.split(".")[0]):
        parts.append(f"\n## `[{table}]`\n\n| Setting | Value | Default | |\n|---|---|---|---|\n")
        parts += [f"| `{row.name}` | {row.kind.says} | {_default(row)} | {row.help} |\n" for row in rows]
    return "".join(parts)


def _default(setting: Setting) -> str:
    if setting.required:
        return "required"
    if setting.default in (None, (), {}):
        return "none"
    return f"`{setting.default}`"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this module, run by itself, is a page
