"""Any report as plain JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import PurePath

from cattlegrid.errors import CattlegridError
from cattlegrid.model.secret import REDACTED, Secret


def document(report: object) -> str:
    return json.dumps(jsonable(report), ensure_ascii=False, indent=2)


def error_document(error: CattlegridError) -> str:
    fields = {"code": error.code, "what": error.what, "where": error.where, "next": error.next}
    return json.dumps({"error": {**fields, "exit_code": error.exit_code}}, ensure_ascii=False)


def jsonable(value: object) -> object:
    """Dataclasses become objects, dates ISO 8601, paths and enums text, secrets `[redacted]`, bytes their length."""
    if isinstance(value, Secret):
        return REDACTED
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(jsonable(key)): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value
