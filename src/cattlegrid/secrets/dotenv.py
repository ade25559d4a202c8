"""A plain store: `secrets/<environment>.env`, one file for each environment, readable by its owner alone."""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


def path(root: Path, environment: Environment) -> Path:
    return root / "secrets" / f"{environment}.env"


def read(root: Path, environment: Environment, known: frozenset[str]) -> Mapping[str, Secret]:
    """The values in the environment's file; none when there is no file.

    Raises ConfigError with every mistake at once: others may read the file, a line is no NAME=value, a name is not in
    `known` or comes twice. No value is ever part of a mistake.
    """
    file = path(root, environment)
    shown = file.relative_to(root).as_posix()
    if not file.is_file():
        return {}
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        what = f"can be read by others (mode {mode:04o}); only its owner may"
        raise ConfigError((Mistake(shown, "", what),), next=f"chmod 600 {shown}")
    values, mistakes = _parse(file.read_text("utf-8"), shown, known)
    if mistakes:
        raise ConfigError(tuple(mistakes), next=f"mend {shown}, then repeat the command")
    return values


def _parse(text: str, shown: str, known: frozenset[str]) -> tuple[dict[str, Secret], list[Mistake]]:
    values: dict[str, Secret] = {}
    mistakes: list[Mistake] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        place = f"line {number}"
        found = _LINE.fullmatch(line.strip())
        if found is None:
            mistakes.append(Mistake(shown, place, "is not NAME=value"))
            continue
        name = found[1]
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "add it to one of the lists in [secrets]"
            mistakes.append(Mistake(shown, place, f"{name} is not declared in cattlegrid.toml; {hint}"))
        elif name in values:
            mistakes.append(Mistake(shown, place, f"{name} comes a second time"))
        else:
            values[name] = Secret(_value(found[2]))
            if not values[name]:
                mistakes.append(Mistake(shown, place, f"{name} is empty"))
    return values, mistakes


def _value(raw: str) -> str:
    if len(raw) >= 2 and raw[0] == raw[-1] == "'":
        return raw[1:-1]
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), raw[1:-1])
    return raw
