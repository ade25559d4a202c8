"""Masks that keep the shape: letters become letters, digits digits, and everything else stays where it is.

Length in characters and in bytes stays too: a letter of two, three or four bytes becomes another of as many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cattlegrid.mirror.keyed import Keyed

_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_UPPER: Final = _LOWER.upper()
_DIGIT: Final = "0123456789"
_TWO: Final = "".join(chr(code) for code in range(0xE0, 0xF7))
_THREE: Final = "".join(chr(code) for code in range(0x4E00, 0x4E40))
_FOUR: Final = "".join(chr(code) for code in range(0x1F400, 0x1F440))
_ALPHABET: Final[dict[str, str]] = {c: alphabet for alphabet in (_LOWER, _UPPER, _DIGIT) for c in alphabet}
_MANY: Final = 2**80
_LETTERS: Final = 25
"""10^25 is more than 2^80: a text with so many letters and digits needs no counting."""


def _by(byte: Callable[[str], int]) -> bytes:
    """A table for bytes.translate, by what each byte is as a character."""
    return bytes(byte(chr(code)) for code in range(256))


_LETTER: Final = _by(lambda c: 255 if c in _LOWER + _UPPER else 0)
_NUMERAL: Final = _by(lambda c: 255 if c in _DIGIT else 0)
_FIRST: Final = _by(lambda c: ord(_ALPHABET[c][0] if c in _ALPHABET else c))
_OF_26, _OF_10 = _by(lambda c: ord(c) % 26), _by(lambda c: ord(c) % 10)
_OTHERS: Final = bytes(byte for byte in range(256) if chr(byte) not in _LOWER + _UPPER + _DIGIT)
_NO_DIGITS: Final = bytes(byte for byte in range(256) if chr(byte) not in _DIGIT)


def shaped(keyed: Keyed, value: str, *, unique: bool) -> str:
    """Text of the same shape: by a permutation of all texts of that shape, or, where those are very many, by a digest.

    Letters outside ASCII are more than the letters that stand in for them. So with `unique`, a short text with such
    letters raises ValueError.
    """
    if value.isascii() and len(value) >= _LETTERS:
        raw = value.encode()
        if len(raw.translate(None, _OTHERS)) >= _LETTERS:
            return _streamed(raw, keyed.stream(value, len(raw)))
    alphabets = [_alphabet(character) for character in value]
    below = 1
    for alphabet in alphabets:
        below = min(_MANY, below * (len(alphabet) if alphabet else 1))
    foreign = any(alphabet and character not in alphabet for character, alphabet in zip(value, alphabets, strict=True))
    if below < _MANY and not foreign:
        return _permuted(keyed, value, alphabets)
    if foreign and unique and below < _MANY:
        raise ValueError("it met a short text with letters outside ASCII where values must stay unique")
    stream = keyed.stream(value, len(value))
    return "".join(
        character if alphabet is None else alphabet[byte % len(alphabet)]
        for character, alphabet, byte in zip(value, alphabets, stream, strict=True)
    )


def _streamed(raw: bytes, stream: bytes) -> str:
    """Each letter and digit by the stream's byte at its place: its alphabet's first one, and so many further. All bytes
    at once, as whole numbers, in which no sum carries: a loop over the characters takes twenty times as long.
    """
    further = _number(stream, _OF_26) & _number(raw, _LETTER)
    if raw.translate(None, _NO_DIGITS):
        further |= _number(stream, _OF_10) & _number(raw, _NUMERAL)
    return (_number(raw, _FIRST) + further).to_bytes(len(raw), "big").decode()


def _number(raw: bytes, table: bytes) -> int:
    return int.from_bytes(raw.translate(table), "big")


def whole_number(keyed: Keyed, number: int) -> int:
    """A number of the same sign and as many digits; different ones stay different. 0 stays 0."""
    if number == 0:
        return 0
    size = len(str(abs(number)))
    low = int(10 ** (size - 1))
    high = min(int(10**size), 2**63)
    moved = low + keyed.permuted(abs(number) - low, high - low, f"digits/{size}") if abs(number) < 2**63 else low
    return moved if number > 0 else -moved


def _permuted(keyed: Keyed, value: str, alphabets: list[str | None]) -> str:
    number, below = 0, 1
    for character, alphabet in zip(value, alphabets, strict=True):
        if alphabet is not None:
            number = number * len(alphabet) + alphabet.index(character)
            below *= len(alphabet)
    shape = "".join(
        character if alphabet is None else alphabet[0] for character, alphabet in zip(value, alphabets, strict=True)
    )
    moved = keyed.permuted(number, below, shape)
    found = []
    for character, alphabet in zip(reversed(value), reversed(alphabets), strict=True):
        if alphabet is None:
            found.append(character)
        else:
            moved, place = divmod(moved, len(alphabet))
            found.append(alphabet[place])
    return "".join(reversed(found))


def _alphabet(character: str) -> str | None:
    found = _ALPHABET.get(character)
    if found is not None or not (character.isalpha() or character.isdigit()):
        return found
    size = len(character.encode("utf-8", "replace"))
    return {2: _TWO, 3: _THREE, 4: _FOUR}.get(size, _LOWER)
