"""What other programs read of a run: JUnit, an in-toto statement, Markdown. Not measured is never passed in any."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cattlegrid.cli import junit, options, summary
from cattlegrid.errors import GateClosed
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.release.gate.evidence import statement
from people import MANIFEST

GOOD = Check("GET /health", Outcome.PASS, "", "context", 0.25)
BAD = Check("GET /sessions → 401", Outcome.FAIL, "status 200 | <img src=x> \x1b[31m", "context", 0.5)
GAP = Check("deployed", Outcome.NOT_MEASURED, "script watch is not deployed", "watch")
AT = datetime(2026, 11, 25, tzinfo=UTC)


def test_junit_counts_a_gap_as_an_error_and_not_as_a_skipped_test() -> None:
    suite = ET.fromstring(junit.document("smoke staging", [GOOD, BAD, GAP]))[0]  # noqa: S314 - our own text
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "time")} == {
        "tests": "3", "failures": "1", "errors": "1", "time": "0.750",
    }  # fmt: skip
    assert [[part.tag for part in case] for case in suite] == [[], ["failure"], ["error"]]
    assert suite.findall(".//skipped") == []


def test_the_statement_is_about_the_digests_of_the_release() -> None:
    told = json.loads(statement(MANIFEST, [GOOD]))
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert told["subject"] == [{"name": "context", "digest": {"sha256": "d" * 64}}]
    assert told["predicate"]["configuration"][0]["digest"] == {"gitCommit": "c" * 40, "sha256": "e" * 64}
    assert (told["predicate"]["result"], told["predicate"]["passedTests"]) == ("PASSED", ["context GET /health"])


@pytest.mark.parametrize("checks", [[GOOD, GAP], [GOOD, BAD], []], ids=["a gap", "a failure", "nothing at all"])
def test_the_statement_says_passed_only_when_everything_passed(checks: list[Check]) -> None:
    assert json.loads(statement(MANIFEST, checks))["predicate"]["result"] == "FAILED"


def test_what_was_not_measured_is_named_among_the_failed() -> None:
    told = json.loads(statement(MANIFEST, [GAP]))
    assert told["predicate"]["failedTests"] == ["watch deployed (not measured)"]


def test_the_summary_shows_what_did_not_pass_and_nothing_in_it_is_markup() -> None:
    text = summary.smoke(SmokeReport(Environment.STAGING, (GOOD, BAD, GAP), 1, 0, 0, 0.75))
    assert "### ❌ staging: smoke fail" in text
    assert "&lt;img src=x&gt;" in text
    assert "<img" not in text
    assert "status 200 \\| " in text
    assert "GET /health" not in text


def test_an_error_is_in_the_summary_with_the_next_command(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    with pytest.raises(GateClosed), options.summarised(str(file)):
        raise GateClosed("the gate is closed\n  approval: fail", next="cattlegrid status")
    assert file.read_text() == (
        "### ❌ CG-GATE\n\nthe gate is closed<br>  approval: fail\n\nNext: `cattlegrid status`\n\n"
    )
