"""Any report as a JSON document."""

from __future__ import annotations

import json

from cattlegrid.errors import CattlegridError
from cattlegrid.model.plain import jsonable


def document(report: object, *, indent: int | None = None) -> str:
    """Indented for a person only: Python's quick encoder cannot, and the other takes ten times as long."""
    return json.dumps(jsonable(report), ensure_ascii=False, indent=indent)


def error_document(error: CattlegridError) -> str:
    fields = {"code": error.code, "what": error.what, "where": error.where, "next": error.next}
    return json.dumps({"error": {**fields, "exit_code": error.exit_code}}, ensure_ascii=False)
