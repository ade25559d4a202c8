"""Findings for other programs: SARIF 2.1.0, and GitHub's workflow commands."""

from __future__ import annotations

from typing import Any, Final

from cattlegrid.check.rules import RULES
from cattlegrid.model.finding import Checked, Finding

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_URI: Final = "SRCROOT"


def sarif(checked: Checked, version: str) -> dict[str, Any]:
    """One run. What is ignored is there, as suppressed, with the reason."""
    driver = {
        "name": "cattlegrid",
        "version": version,
        "rules": [
            {
                "id": rule.code,
                "name": rule.name,
                "shortDescription": {"text": rule.says},
                "defaultConfiguration": {"level": rule.severity.value},
            }
            for rule in RULES
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in checked.findings],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": _uri(finding.file), "uriBaseId": _URI},
        "region": {"startLine": finding.line, "startColumn": finding.column},
    }
    result: dict[str, Any] = {
        "ruleId": finding.rule.code,
        "ruleIndex": RULES.index(finding.rule),
        "level": finding.rule.severity.value,
        "message": {"text": f"{finding.what}. Fix: {finding.fix}"},
        "locations": [{"physicalLocation": place}],
    }
    if finding.ignored:
        result["suppressions"] = [{"kind": "external", "justification": finding.ignored}]
    return result


def _uri(file: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - 6 ms that only SARIF pays

    return quote(file)


def annotation(finding: Finding) -> str:
    """`::error file=…,line=…::…`, which GitHub shows beside the line."""
    title = f"{finding.rule.code} {finding.rule.name}"
    place = f"file={_property(finding.file)},line={finding.line},col={finding.column},title={_property(title)}"
    return f"::{finding.rule.severity.value} {place}::{_data(f'{finding.what} — {finding.fix}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
