"""What a value looks like, against what its name says it should. No value is ever part of an answer."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final
from urllib.parse import urlsplit

from cattlegrid.errors import UsageError
from cattlegrid.model.fleet import Kind, SecretPolicy
from cattlegrid.model.secret import Secret

SHORTEST_ISOLATED: Final = 16
_PLACEHOLDER: Final = re.compile(
    r"(?i)(change[-_ ]?me|todo|fixme|placeholder|example|dummy|test|secret|password|x{3,}|\*{3,}|\.{3}|…|<[^>]*>"
    r"|your[-_ ].*|(?:my|the)[-_ ](?:key|token|secret).*|insert[-_ ].*|replace[-_ ].*|none|null|undefined)"
)
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\s:,-]+-----END \1-----\s*")
_WORD: Final = re.compile(r"[A-Za-z][a-z']*[.,:;!?]?")


def problems(policy: SecretPolicy, name: str, value: Secret) -> tuple[str, ...]:
    """What is wrong with the value, in words; empty when nothing is."""
    text, about = value.reveal(), policy.of(name)
    if not text.strip():
        return ("is empty",)
    found = []
    if text != text.strip() and about.form != "pem":
        found.append("has white space at its beginning or end")
    if "${" in text:
        found.append("holds a ${…} that nobody has filled in")
    if _PLACEHOLDER.fullmatch(text.strip()):
        found.append("is a placeholder")
    elif _is_description(text):
        found.append("reads like a description where a value should be")
    shortest = about.min_length or (SHORTEST_ISOLATED if policy.kinds().get(name) is Kind.ISOLATED else 0)
    if len(text) < shortest:
        found.append(f"has {len(text)} characters, and needs {shortest}")
    if about.prefix and not text.startswith(about.prefix):
        found.append(f"does not begin with {about.prefix!r}")
    if about.pattern and not re.fullmatch(about.pattern, text):
        found.append(f"does not match {about.pattern!r}")
    if not _FORMS[about.form](text):
        found.append(f"is not {_NAMES[about.form]}")
    return tuple(found)


def expect_good(policy: SecretPolicy, name: str, value: Secret) -> None:
    """Raises UsageError with what is wrong with the value."""
    found = problems(policy, name, value)
    if found:
        raise UsageError(f"the value {'; it '.join(found)}", where=name, next=f"cattlegrid secrets set {name}")


def _is_description(text: str) -> bool:
    words = text.split()
    return len(words) >= 3 and sum(_WORD.fullmatch(word) is not None for word in words) >= 0.75 * len(words)


def _hex(text: str) -> bool:
    return re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text) is not None


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and " " not in text


def _json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _pem(text: str) -> bool:
    return _PEM.fullmatch(text) is not None


_FORMS: Final = {"text": lambda _: True, "hex": _hex, "base64": _base64, "url": _url, "json": _json, "pem": _pem}
_NAMES: Final = {"text": "text", "hex": "hex", "base64": "base64", "url": "a URL", "json": "JSON", "pem": "a PEM block"}
