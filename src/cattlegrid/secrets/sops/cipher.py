"""One value as SOPS writes it: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:str]`, bound to its place by `where`.

Facts from SOPS 3.11's own behaviour: a nonce of 32 bytes; an empty text stays empty; a whole number that came from JSON
is a `float` whose text has no fraction.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from functools import lru_cache
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Leaf: TypeAlias = str | int | float | bool

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 32
_FORM: Final = re.compile(
    r"ENC\[AES256_GCM,data:(?P<data>[^,]+),iv:(?P<iv>[^,]+),tag:(?P<tag>[^,]+),type:(?P<type>\w+)\]"
)


class Unreadable(ValueError):
    """The value is not in SOPS's form, or it was not written by a holder of this key for this place."""


def encrypt(value: Leaf, key: bytes, where: str) -> str:
    text = text_of(value)
    if not text:
        return ""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher(key).encrypt(nonce, text.encode(), where.encode())
    data, tag = sealed[:-16], sealed[-16:]
    return f"ENC[AES256_GCM,data:{_base64(data)},iv:{_base64(nonce)},tag:{_base64(tag)},type:{_type_of(value)}]"


def decrypt(written: str, key: bytes, where: str) -> Leaf:
    """Raises Unreadable."""
    if not written:
        return ""
    found = _FORM.fullmatch(written)
    if found is None:
        raise Unreadable("is not encrypted")
    try:
        nonce, sealed = _bytes(found["iv"]), _bytes(found["data"]) + _bytes(found["tag"])
        text = _cipher(key).decrypt(nonce, sealed, where.encode()).decode()
        return _value(text, found["type"])
    except (InvalidTag, ValueError) as error:
        raise Unreadable("was changed, or belongs to another place or another file") from error


@lru_cache(maxsize=2)
def _cipher(key: bytes) -> AESGCM:
    """One for all the values of a file."""
    return AESGCM(key)


def text_of(value: Leaf) -> str:
    """The text that is encrypted, and that the MAC is made over."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _type_of(value: Leaf) -> str:
    if isinstance(value, bool):
        return "bool"
    return "str" if isinstance(value, str) else "float"


def _value(text: str, kind: str) -> Leaf:
    if kind in {"str", "bytes"}:
        return text
    if kind == "bool":
        return text == "True"
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    raise ValueError(kind)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
