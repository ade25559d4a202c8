"""The plain store of a laptop: `secrets/<environment>.env`, not encrypted, outside git, readable by its owner alone."""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.files import alone, replace_file
from cattlegrid.secrets.store import RESERVED, Changes, Contents

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r"}
_ESCAPES: Final = {**_CONTROLS, '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True)
class DotenvStore:
    """`known` are the names that the file may hold."""

    root: Path
    environment: Environment
    known: frozenset[str]
    folder: str = "secrets"

    @property
    def file(self) -> Path:
        return self.root / self.place

    @property
    def place(self) -> str:
        return f"{self.folder}/{self.environment}.env"

    def how_to_add(self, name: str) -> str:
        return f"cattlegrid secrets set {name} --env {self.environment}"

    def readers(self) -> tuple[str, ...]:
        return ("the owner of the file",)

    def read(self) -> Contents:
        """One date for all of them, the file's, since it has no other."""
        values = read(self.root, self.place, self.known)
        since = datetime.fromtimestamp(self.file.stat().st_mtime, UTC) if self.file.is_file() else None
        names = frozenset(values)
        return Contents(values, names, dict.fromkeys(names, since) if since is not None else {})

    def change(self, changes: Changes, now: datetime) -> None:  # noqa: ARG002 - the file's own date is its date
        file = self.file
        with alone(file.parent):
            kept = [
                line
                for line in _lines(file)
                if (found := _LINE.fullmatch(line.strip())) is None or found[1] not in changes
            ]
            added = [f"{name}={_quoted(value.reveal())}" for name, value in changes.items() if value is not None]
            replace_file(file, "\n".join([*kept, *added]) + "\n")


def read(root: Path, shown: str, known: frozenset[str]) -> Mapping[str, Secret]:
    """The values in the file `shown` of `root`; none when there is no file.

    Raises ConfigError with every mistake at once: others may read the file, a line is no NAME=value, a name is not in
    `known` or comes twice. No value is ever part of a mistake.
    """
    file = root / shown
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


def values_in(file: Path) -> Mapping[str, Secret]:
    """Every value of any such file, `.dev.vars` too, without empty ones. Raises ConfigError."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((Mistake(str(file), "", f"cannot be read: {type(error).__name__}"),)) from error
    names = frozenset(found[1] for line in text.split("\n") if (found := _LINE.fullmatch(line.strip())))
    values, mistakes = _parse(text, str(file), names)
    wrong = tuple(one for one in mistakes if not one.what.endswith("is empty"))
    if wrong:
        raise ConfigError(wrong, next=f"mend {file}, then repeat the command")
    return {name: value for name, value in values.items() if value}


def _parse(text: str, shown: str, known: frozenset[str]) -> tuple[dict[str, Secret], list[Mistake]]:
    values: dict[str, Secret] = {}
    mistakes: list[Mistake] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        place = f"line {number}"
        found = _LINE.fullmatch(line.strip())
        if found is None:
            mistakes.append(Mistake(shown, place, "is not NAME=value"))
            continue
        name = found[1]
        if name not in known and not name.startswith(RESERVED):
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


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").removesuffix("\n").split("\n") if file.is_file() else []


def _quoted(text: str) -> str:
    if re.fullmatch(r"[^\s'\"\\\x85\u2028\u2029\x1c-\x1e]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for letter, sign in _CONTROLS.items():
        escaped = escaped.replace(sign, f"\\{letter}")
    return f'"{escaped}"'
