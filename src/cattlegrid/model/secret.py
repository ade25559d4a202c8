"""A value that must not be seen: its text, repr, format and JSON forms are `[redacted]`."""

from __future__ import annotations

from typing import Final

REDACTED: Final = "[redacted]"


# Every value that this process has held, for `redact`. Shorter ones would black out ordinary words.
_SHORTEST: Final = 8
_known: dict[str, tuple[str, ...]] = {}


class Secret:
    """Holds a secret's text. Ask for it by name, `reveal()`, at the place where it is used and nowhere before."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text
        if len(text) >= _SHORTEST:
            _known.setdefault(text, ())

    def reveal(self) -> str:
        return self.__text

    def __str__(self) -> str:
        return REDACTED

    def __repr__(self) -> str:
        return f"Secret({REDACTED})"

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.__text == self.__text

    def __hash__(self) -> int:
        return hash(self.__text)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled or copied into another process")


def redact(text: str) -> str:
    """The text without any secret's value that this process has held, plain or as JSON, URL or base64 would write it.

    The one redactor of all printing. Nothing is meant to need it: it stands between a mistake and a transcript.
    """
    for value in list(_known):
        _known[value] = _known[value] or _forms(value)
        for written in _known[value]:
            if written in text:
                text = text.replace(written, REDACTED)
    return text


def _forms(value: str) -> tuple[str, ...]:
    import base64  # noqa: PLC0415 - 10 ms together, which a process without secrets (--help) does not pay
    import json  # noqa: PLC0415 - as above
    from urllib.parse import quote  # noqa: PLC0415 - as above

    lines = tuple(line for line in value.splitlines() if len(line) >= 2 * _SHORTEST) if "\n" in value else ()
    escaped = json.dumps(value)[1:-1]
    quoted = quote(value, safe="")
    encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    return (value, escaped, quoted, encoded, *lines)
