"""Signed, expiring permissions for static assets: three-part JWTs, since wrangler decodes their `exp`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEY_FILE = "jwt-key"


def key(folder: Path) -> bytes:
    """The signing key of this state, made the first time, in a 0600 file."""
    file = folder / KEY_FILE
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(secrets.token_bytes(32))
    return file.read_bytes()


def sign(secret: bytes, claims: Mapping[str, Any]) -> str:
    head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = _encode(json.dumps(dict(claims)).encode())
    return f"{head}.{body}.{_encode(_signature(secret, f'{head}.{body}'))}"


def read(secret: bytes, token: str, now: float) -> dict[str, Any] | None:
    """The claims, or None when it is forged, expired or no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        given, body = _decode(parts[2]), _decode(parts[1])
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(given, _signature(secret, f"{parts[0]}.{parts[1]}")):
        return None
    claims: dict[str, Any] = json.loads(body)
    return claims if claims["exp"] > now else None


def _signature(secret: bytes, signed: str) -> bytes:
    return hmac.new(secret, signed.encode(), hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
