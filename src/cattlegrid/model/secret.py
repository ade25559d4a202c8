"""A value that must not be seen: its text, repr, format and JSON forms are `[redacted]`."""

from __future__ import annotations

from typing import Final

REDACTED: Final = "[redacted]"


class Secret:
    """Holds a secret's text. Ask for it by name, `reveal()`, at the place where it is used and nowhere before."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

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
