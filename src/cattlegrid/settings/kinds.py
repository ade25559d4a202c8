"""Kinds of values a setting can have. A kind reads a raw TOML value or says, as ValueError, what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SSH_KEY = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9-]+(?:@openssh\.com)? [A-Za-z0-9+/]+=*(?: [^\n]*)?$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Kind:
    """`says` is the kind in a person's words, as in "needs a duration such as "10m""."""

    says: str
    read: Callable[[Any], object]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"needs text, not {described(value)}")  # noqa: TRY004 - one exception for every kind
    if not value:
        raise ValueError("needs text; it is empty")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(f"needs a list of texts, not {described(value)}")
    repeated = sorted({item for item in value if value.count(item) > 1})
    if repeated:
        raise ValueError(f"names {repeated[0]!r} twice")
    return tuple(value)


def _path(value: object) -> str:
    path = _text(value)
    if not path.startswith("/"):
        raise ValueError(f'needs a path that starts with "/", not {path!r}')
    return path


def _path_or_off(value: object) -> str | None:
    return None if value is False else _path(value)


def _duration(value: object) -> float:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'needs a duration such as "10m", "30s" or "500ms", not {described(value)}')
    return float(found[1]) * _SECONDS[found[2]]


def _status(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 599:
        raise ValueError(f"needs an HTTP status from 100 to 599, not {described(value)}")
    return value


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"needs true or false, not {described(value)}")  # noqa: TRY004 - one exception for every kind
    return value


def _ssh_keys(value: object) -> tuple[str, ...]:
    for item in _texts(value):
        if _SSH_KEY.match(item) is None:
            raise ValueError(f"needs OpenSSH public keys (the line of a .pub file), not {item[:40]!r}")
    return _texts(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"needs a whole number from 0 upwards, not {described(value)}")
    return value


def _pattern(value: object) -> str:
    text = _text(value)
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError(f"needs a table of header names and texts, not {described(value)}")
    return dict(value)


def mask(*names: str) -> Kind:
    """A mask by name, `keep`, `null`, `const:…`, or a table of JSON paths and masks."""
    known = ("keep", "null", "json", *names)

    def read(value: object) -> object:
        if isinstance(value, dict):
            for path, name in value.items():
                if path != "*" and not path.startswith("$"):
                    raise ValueError(f'needs paths such as "$.user.email", or "*", not {path!r}')
                if name not in ("keep", *names):
                    raise ValueError(f"needs a mask for {path!r}, not {described(name)}")
            return dict(value)
        if not isinstance(value, str) or not (value in known or value.startswith("const:")):
            raise ValueError(f'needs {_listed(known)}, "const:…", or a table of JSON paths, not {described(value)}')
        return value

    return Kind("a mask, or a table of JSON paths and masks", read)


def choice(*words: str) -> Kind:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"needs {_listed(words)}, not {described(value)}")
        return str(value)

    return Kind(f"one of {_listed(words)}", read)


def choices(*words: str) -> Kind:
    def read(value: object) -> tuple[str, ...]:
        for item in _texts(value):
            if item not in words:
                raise ValueError(f"needs words out of {_listed(words)}, not {item!r}")
        return _texts(value)

    return Kind(f"a list out of {_listed(words)}", read)


def _listed(words: tuple[str, ...]) -> str:
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def described(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


TEXT = Kind("text", _text)
TEXTS = Kind("a list of texts", _texts)
PATH = Kind('a path that starts with "/"', _path)
PATH_OR_OFF = Kind('a path that starts with "/", or false', _path_or_off)
DURATION = Kind('a duration such as "10m", "30s" or "500ms"', _duration)
STATUS = Kind("an HTTP status", _status)
YES_OR_NO = Kind("true or false", _yes_or_no)
SSH_KEYS = Kind("a list of OpenSSH public keys", _ssh_keys)
COUNT = Kind("a whole number", _count)
PATTERN = Kind("a regular expression", _pattern)
HEADERS = Kind("a table of header names and texts", _headers)
TABLES = Kind("a list of tables", lambda value: value)
ANY = Kind("any value", lambda value: value)
