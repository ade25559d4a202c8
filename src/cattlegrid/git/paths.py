"""Paths inside a repository: POSIX, relative to its root, the root itself being the empty text; and globs over them."""

from __future__ import annotations

import posixpath
import re
from functools import cache


def join(folder: str, relative: str) -> str | None:
    """`relative` as seen from `folder`; None when it leads out of the repository."""
    if relative.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(folder, relative))
    if path == ".":
        return ""
    return None if path == ".." or path.startswith("../") else path


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return not folder or path == folder or path.startswith(folder + "/")


@cache
def parents(path: str) -> tuple[str, ...]:
    """The folders above `path`, the nearest first, the root ("") last."""
    if not path:
        return ()
    above = path.rpartition("/")[0]
    return (above, *parents(above))


def under(folder: str, name: str) -> str:
    """The path of `name` in `folder`."""
    return f"{folder}/{name}" if folder else name


def is_glob(path: str) -> bool:
    return any(sign in path for sign in "*?[{")


@cache
def glob_pattern(glob: str) -> re.Pattern[str]:
    """`*` and `?` stay inside one folder, `**` crosses folders, `{a,b}` are alternatives, `[ab]` is one of these."""
    return re.compile(_translated(glob))


def _translated(glob: str) -> str:
    signs = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]|\{|\}|,|[^*?\[{},]+|.", re.DOTALL)
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    depth = 0
    parts = []
    for sign in signs.findall(glob):
        if sign in fixed:
            parts.append(fixed[sign])
        elif sign == "{":
            depth += 1
            parts.append("(?:")
        elif sign == "}" and depth:
            depth -= 1
            parts.append(")")
        elif sign == "," and depth:
            parts.append("|")
        elif sign.startswith("[") and len(sign) > 1:
            parts.append(sign.replace("[!", "[^", 1).replace("\\", "\\\\"))
        else:
            parts.append(re.escape(sign))
    return "".join(parts) + ")" * depth
