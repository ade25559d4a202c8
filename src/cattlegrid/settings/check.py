"""A parsed TOML document checked against the table of settings: every mistake is collected, none stops the rest."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from cattlegrid.errors import Mistake
from cattlegrid.settings.kinds import described
from cattlegrid.settings.table import SETTINGS, Setting


@dataclass
class Branch:
    """A place in the tree of settings: `children` by key (`*` any), `items` for lists, `setting` when it ends here."""

    children: dict[str, Branch] = field(default_factory=dict)
    items: Branch | None = None
    setting: Setting | None = None


def tree(settings: tuple[Setting, ...] = SETTINGS) -> Branch:
    root = Branch()
    for setting in settings:
        here = root
        for part in setting.name.split("."):
            here = here.children.setdefault(part.removesuffix("[]"), Branch())
            if part.endswith("[]"):
                here.items = here = here.items or Branch()
        here.setting = setting
    return root


def check(document: Mapping[str, object], file: str) -> tuple[dict[str, object], list[Mistake]]:
    """The document with every value read by its kind, and the mistakes. A mistaken value is left out."""
    mistakes: list[Mistake] = []
    return _table(tree(), document, "", file, mistakes), mistakes


def _table(
    branch: Branch, raw: Mapping[str, object], path: str, file: str, mistakes: list[Mistake]
) -> dict[str, object]:
    read: dict[str, object] = {}
    for key, value in raw.items():
        child = branch.children.get(key) or branch.children.get("*")
        here = f"{path}.{_shown(key)}" if path else _shown(key)
        if child is None:
            mistakes.append(Mistake(file, here, f"there is no such setting{_suggestion(key, branch)}"))
            continue
        _value(child, value, here, file, mistakes, read, key)
    for key, child in branch.children.items():
        if child.setting is not None and child.setting.required and key not in raw:
            mistakes.append(
                Mistake(file, f"{path}.{key}" if path else key, f"is missing; it needs {child.setting.kind.says}")
            )
    return read


def _value(
    branch: Branch, value: object, path: str, file: str, mistakes: list[Mistake], into: dict[str, object], key: str
) -> None:
    if branch.items is not None:
        into[key] = _list(branch.items, value, path, file, mistakes)
    elif branch.children:
        if isinstance(value, dict):
            into[key] = _table(branch, value, path, file, mistakes)
        else:
            mistakes.append(Mistake(file, path, f"needs a table, not {described(value)}"))
    else:
        setting = cast("Setting", branch.setting)
        try:
            into[key] = setting.kind.read(value)
        except ValueError as error:
            mistakes.append(Mistake(file, path, str(error)))


def _list(branch: Branch, value: object, path: str, file: str, mistakes: list[Mistake]) -> list[dict[str, object]]:
    if not isinstance(value, list):
        mistakes.append(Mistake(file, path, f"needs a list of tables, not {described(value)}"))
        return []
    read = []
    for index, item in enumerate(value):
        if isinstance(item, dict):
            read.append(_table(branch, item, f"{path}[{index}]", file, mistakes))
        else:
            mistakes.append(Mistake(file, f"{path}[{index}]", f"needs a table, not {described(item)}"))
    return read


def _shown(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else f'"{key}"'


def _suggestion(key: str, branch: Branch) -> str:
    known = [name for name in branch.children if name != "*"]
    close = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; the settings here are {', '.join(known)}"
