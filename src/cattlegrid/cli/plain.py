"""Any report as a JSON document."""

from __future__ import annotations

import json

from cattlegrid.errors import CattlegridError
from cattlegrid.model.plain import jsonable


def document(report: object) -> str:
    return json.dumps(jsonable(report), ensure_ascii=False, indent=2)


def error_document(error: CattlegridError) -> str:
    fields = {"code": error.code, "what": error.what, "where": error.where, "next": error.next}
    return json.dumps({"error": {**fields, "exit_code": error.exit_code}}, ensure_ascii=False)
