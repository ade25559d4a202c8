"""The masks. Each gives a value of the same form, always the same one for the same original and key.

A mask whose column has to stay unique is made with `unique`: then it either permutes, so that two originals never meet,
or carries 80 bits of a digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Final

from cattlegrid.mirror.fpe import shaped, whole_number
from cattlegrid.mirror.keyed import Keyed
from cattlegrid.mirror.rules import Mask
from cattlegrid.mirror.words import FIRST, LAST, STREETS, TOWNS
from cattlegrid.model.secret import Secret

_DIGITS: Final = 20
_SHORT: Final = 64
_REMEMBERED: Final = 10_000
_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_URL: Final = re.compile(r"([a-zA-Z][\w+.-]*://)([^/?#]*)(.*)", re.DOTALL)
_IPV4: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


@dataclass(frozen=True)
class Named:
    """Text by a function; whole numbers, reals and blobs by what the form allows. The newest short texts are
    remembered: many columns repeat theirs, and those that refer to another one repeat that one's.
    """

    keyed: Keyed
    make: Callable[[Keyed, str], str]
    numbers: bool = False
    _short: Callable[[str], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_short", lru_cache(_REMEMBERED)(partial(self.make, self.keyed)))

    def text(self, value: str) -> str:
        if len(value) > _SHORT:
            return self.make(self.keyed, value)
        return self._short(value) if value else value

    def other(self, letter: str, value: object) -> tuple[str, object]:
        if letter in "iI" and self.numbers:
            return whole(whole_number(self.keyed, int(str(value))))
        if letter in "bB" and self.numbers:
            return "b", self.keyed.stream(str(value), len(str(value)) // 2).hex().upper()
        if letter in "TL" and self.numbers:
            return "t", self.make(self.keyed, bytes.fromhex(str(value)).decode("utf-8", "replace"))
        raise ValueError(f"it met {KINDS[letter]}")


KINDS: Final = {
    "i": "a whole number", "I": "a whole number", "r": "a real number", "b": "a blob", "B": "a blob",
    "T": "text that is not UTF-8", "L": "text that is not UTF-8", "P": "Infinity", "M": "-Infinity", "Z": "-0.0",
}  # fmt: skip


@dataclass(frozen=True)
class Number:
    """Whole numbers keep sign and number of digits and stay different; reals stay within a factor of two."""

    keyed: Keyed
    unique: bool

    def text(self, value: str) -> str:
        return shaped(self.keyed, value, unique=self.unique)

    def other(self, letter: str, value: object) -> tuple[str, object]:
        if letter in "iI":
            return whole(whole_number(self.keyed, int(str(value))))
        if letter == "r" and not self.unique:
            part = self.keyed.number(repr(float(str(value)))) / 2**128
            return "r", float(str(value)) * (0.5 + part)
        raise ValueError(f"it met {KINDS[letter]}")


@dataclass(frozen=True)
class DateShift:
    """Every date moves by the same number of days, so order, distances and uniqueness stay. Seconds and milliseconds
    since 1970 are told apart by their size.
    """

    days: int

    def text(self, value: str) -> str:
        found = _DATE.match(value)
        if found is None:
            if value.lstrip("-").isdigit():
                return str(self._seconds(int(value)))
            if not value:
                return value
            raise ValueError("it met text that begins with no date")
        try:
            moved = date(int(found[1]), int(found[2]), int(found[3])) + timedelta(days=self.days)
        except (ValueError, OverflowError):
            raise ValueError("it met a date that the calendar does not have") from None
        return moved.isoformat() + value[found.end() :]

    def other(self, letter: str, value: object) -> tuple[str, object]:
        if letter in "iI":
            return whole(self._seconds(int(str(value))))
        if letter == "r":
            return "r", float(str(value)) + (self.days if abs(float(str(value))) < 1e7 else self.days * 86400.0)
        raise ValueError(f"it met {KINDS[letter]}")

    def _seconds(self, number: int) -> int:
        return number + self.days * (86_400 if abs(number) < 10**11 else 86_400_000)


@dataclass(frozen=True)
class Json:
    """Masks by path (`$.a.b`, `$.list[*].c`). Other text in the document is masked too, unless `rest` keeps it."""

    paths: Mapping[str, Mask | None]
    rest: Mask | None

    def text(self, value: str) -> str:
        if not value:
            return value
        try:
            document = json.loads(value)
        except ValueError:
            raise ValueError("it met text that is not JSON") from None
        return json.dumps(self._walk("$", document), ensure_ascii=False, separators=(",", ":"))

    def other(self, letter: str, value: object) -> tuple[str, object]:
        del value
        raise ValueError(f"it met {KINDS[letter]}")

    def _walk(self, path: str, value: object) -> object:
        mask = self.paths.get(path, self.rest)
        if isinstance(value, dict):
            return {key: self._walk(f"{path}.{key}", item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._walk(f"{path}[*]", item) for item in value]
        if isinstance(value, str):
            return mask.text(value) if mask is not None else value
        if isinstance(value, int | float) and not isinstance(value, bool) and self.paths.get(path) is not None:
            return self.paths[path].other("i" if isinstance(value, int) else "r", value)[1]  # type: ignore[union-attr]
        return value


NAMES: Final = ("name", "email", "phone", "hostname", "url", "ip", "address", "text", "number", "date-shift", "hash")


def named(name: str, key: Secret, *, unique: bool, strict: bool = False) -> Mask:
    """The mask of this name: with `unique`, different originals give different values. `strict` raises where that
    cannot be kept; a column that is not itself unique need not care. Raises KeyError for an unknown name.
    """
    keyed = Keyed(key, name)
    if name == "date-shift":
        return DateShift(-30 - int(keyed.number("days") % 600))
    if name == "number":
        return Number(keyed, strict)
    if name in {"text", "phone"}:
        return Named(keyed, lambda keyed, value: shaped(keyed, value, unique=strict), numbers=True)
    if name == "hash":
        return Named(keyed, lambda keyed, value: keyed.digest(value).hex(), numbers=True)
    return Named(keyed, {True: _UNIQUE, False: _PLAIN}[unique][name])


def whole(number: int) -> tuple[str, object]:
    """A whole number as it is read: text beyond 2^53."""
    return ("i", number) if abs(number) < 2**53 else ("I", str(number))


def _hex(keyed: Keyed, value: str) -> str:
    return _hex_of(keyed.digest(value))


def _hex_of(digest: bytes) -> str:
    return digest.hex()[:_DIGITS]


def _person(keyed: Keyed, value: str) -> str:
    return " ".join(_names_of(keyed.digest(value)))


def _names_of(digest: bytes) -> tuple[str, str]:
    number = int.from_bytes(digest, "big")
    return FIRST[number % 128], LAST[number // 128 % 128]


def _unique_person(keyed: Keyed, value: str) -> str:
    return f"{_person(keyed, value)} {_hex(keyed, value)}"


def _email(keyed: Keyed, value: str) -> str:
    digest = keyed.digest(value)
    first, last = _names_of(digest)
    return f"{first.lower()}.{last.lower()}.{_hex_of(digest)}@example.com"


def _hostname(keyed: Keyed, value: str) -> str:
    host = f"{STREETS[keyed.number(value) % 64].lower()}-{_hex(keyed, value)}"
    return f"{host}.example" if "." in value else host


def _url(keyed: Keyed, value: str) -> str:
    found = _URL.fullmatch(value)
    if found is None:
        return shaped(keyed, value, unique=False)
    host = f"{_hex(keyed, found[2])}.example"
    rest = f"/{_hex(keyed, value)}" if found[3] else ""
    return f"{found[1]}{host}{rest}"


def _ip(keyed: Keyed, value: str) -> str:
    found = _IPV4.fullmatch(value)
    if found is not None and all(int(part) < 256 for part in found.groups()):
        number = 0
        for part in found.groups():
            number = number * 256 + int(part)
        moved = keyed.permuted(number, 2**32)
        return ".".join(str(moved >> shift & 255) for shift in (24, 16, 8, 0))
    if ":" not in value:
        raise ValueError("it met text that is no IP address")
    digits = keyed.digest(value).hex()[:24]
    return "2001:db8:" + ":".join(digits[at : at + 4] for at in range(0, 24, 4))


def _address(keyed: Keyed, value: str) -> str:
    number = keyed.number(value)
    return f"{number % 997 + 1} {STREETS[number // 1000 % 64]} Street, {TOWNS[number // 64000 % 32]}"


def _unique_address(keyed: Keyed, value: str) -> str:
    return f"{_address(keyed, value)}, unit {_hex(keyed, value)}"


_PLAIN: Final = {
    "name": _person, "email": _email, "hostname": _hostname, "url": _url, "ip": _ip, "address": _address,
}  # fmt: skip
_UNIQUE: Final = {**_PLAIN, "name": _unique_person, "address": _unique_address}
