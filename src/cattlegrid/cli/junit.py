"""Checks as JUnit XML. What was not measured is an error there: most readers count a skipped test as a good one."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from cattlegrid.model.check import Check, Outcome


def document(suite: str, checks: Iterable[Check]) -> str:
    seen = list(checks)
    count = {outcome: sum(check.outcome is outcome for check in seen) for outcome in Outcome}
    top = ET.Element("testsuites")
    root = ET.SubElement(
        top,
        "testsuite",
        name=suite,
        tests=str(len(seen)),
        failures=str(count[Outcome.FAIL]),
        errors=str(count[Outcome.NOT_MEASURED]),
        time=f"{sum(check.seconds for check in seen):.3f}",
    )
    for check in seen:
        case = ET.SubElement(root, "testcase", classname=check.worker or suite, name=check.name)
        case.set("time", f"{check.seconds:.3f}")
        if check.outcome is not Outcome.PASS:
            kind = "failure" if check.outcome is Outcome.FAIL else "error"
            ET.SubElement(case, kind, message=_plain(check.detail), type=check.outcome.value)
    ET.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"


def _plain(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
