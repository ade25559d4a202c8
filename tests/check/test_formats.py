"""Findings as SARIF and as GitHub's annotations."""

from __future__ import annotations

from cattlegrid.check import rules
from cattlegrid.check.formats import annotation, sarif
from cattlegrid.model.finding import Checked, Finding

FINDING = Finding(rules.SHARED_RESOURCE, "workers/a b/wrangler.toml", 7, 3, "100 %, truly:\nshared", "split", "a")


def test_an_annotation_is_one_line_whose_signs_are_escaped() -> None:
    assert annotation(FINDING) == (
        "::error file=workers/a b/wrangler.toml,line=7,col=3,title=C102 shared-resource::"
        "100 %25, truly:%0Ashared — split"
    )


def test_sarif_names_the_rule_the_place_and_the_reason_for_ignoring() -> None:
    ignored = Finding(rules.NO_SMOKE, "cattlegrid.toml", 1, 1, "none", "add one", "a", ignored="later")
    document = sarif(Checked((FINDING, ignored), 1, 2), "1.0")
    first, second = document["runs"][0]["results"]
    listed = document["runs"][0]["tool"]["driver"]["rules"]
    assert listed[first["ruleIndex"]]["id"] == first["ruleId"] == "C102"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "workers/a%20b/wrangler.toml", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 7, "startColumn": 3},
    }
    assert "suppressions" not in first
    assert second["suppressions"] == [{"kind": "external", "justification": "later"}]
