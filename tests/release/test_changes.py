from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cattlegrid.clock import Clock
from cattlegrid.model.change import ChangedFile, Verdict
from cattlegrid.model.environment import Environment
from cattlegrid.model.stamp import Digests, Stamp
from cattlegrid.model.version import Deployment, Version
from cattlegrid.release.changes import compare, needs_build
from cattlegrid.release.live import Live
from cattlegrid.verbs.why import sentences

SINCE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW = Stamp("c" * 40, Digests("1" * 64, "2" * 64, "3" * 64, "4" * 64))


def live(stamp: Stamp | None = NOW, drift: str | None = None) -> Live:
    """What the API gives back for a version that was stamped so: the stamp went through its message."""
    read = Stamp.read(stamp.message) if stamp is not None else None
    version = Version("v" * 36, 7, SINCE, "ann", "wrangler", "upload", "", "", "etag")
    return Live("context-staging", Deployment("d", SINCE, "ann", "wrangler", "", (("v", 100),)), version, read, drift)


def other(**digests: str) -> Stamp:
    return replace(NOW, digests=replace(NOW.digests, **digests))


def test_equal_inputs_config_and_schema_are_unchanged_without_a_build() -> None:
    now = other(code="")
    assert not needs_build(now, live())
    change = compare("context", now, live())
    assert (change.verdict, change.built) == (Verdict.UNCHANGED, False)
    assert change.why == "everything that goes into it is as it was"


def test_other_inputs_that_make_the_same_code_are_unchanged() -> None:
    now = other(inputs="9" * 64)
    assert needs_build(now, live())
    change = compare("context", now, live())
    assert (change.verdict, change.why) == (
        Verdict.UNCHANGED,
        "files changed, but what wrangler makes of them is the same",
    )


def test_other_inputs_that_were_not_built_count_as_a_change() -> None:
    change = compare("context", other(inputs="9" * 64, code=""), live())
    assert change.verdict is Verdict.CHANGED
    assert "not built" in change.why


@pytest.mark.parametrize(("digest", "why"), [("code", "code"), ("config", "configuration"), ("schema", "migrations")])
def test_each_digest_that_differs_is_a_change_of_its_own(digest: str, why: str) -> None:
    change = compare("context", other(**{digest: "9" * 64}), live())
    assert change.verdict is Verdict.CHANGED
    assert why in change.why
    assert [reason.about for reason in change.reasons] == [digest]


def test_row_25_a_change_in_configuration_alone_is_seen_without_any_change_in_code() -> None:
    assert needs_build(other(config="9" * 64, code=""), live())
    assert compare("context", other(config="9" * 64), live()).verdict is Verdict.CHANGED


def test_row_26_a_change_that_was_taken_back_is_unchanged_against_what_is_live() -> None:
    assert compare("context", replace(NOW, commit="d" * 40), live()).verdict is Verdict.UNCHANGED


def test_a_worker_that_was_never_deployed_is_new() -> None:
    assert compare("context", NOW, Live("context-staging")).verdict is Verdict.NEW


def test_a_version_that_somebody_else_deployed_is_drift_and_never_unchanged() -> None:
    change = compare("context", NOW, live(None, "it was deployed by bob with dash, not by cattlegrid"))
    assert (change.verdict, change.why) == (Verdict.DRIFTED, "it was deployed by bob with dash, not by cattlegrid")


def test_what_was_deployed_from_uncommitted_files_is_deployed_again_once_committed() -> None:
    change = compare("context", NOW, live(replace(NOW, dirty=True)))
    assert (change.verdict, [reason.about for reason in change.reasons]) == (Verdict.CHANGED, ["commit"])


def test_why_names_the_file_the_package_and_what_is_live_since_when() -> None:
    change = replace(
        compare("context", other(code="9" * 64), live()),
        files=(ChangedFile("packages/shared/a.ts", "modified", "package @crane/shared, which context depends on"),),
        notes=("a note",),
    )
    clock = Clock(now=lambda: datetime(2026, 11, 24, 14, 30, tzinfo=UTC))
    assert sentences(change, Environment.STAGING, clock) == (
        "context changed against staging: its code differs.",
        "Live in staging: version vvvvvvvv from commit cccccccccccc since 2026-11-24 12:00 UTC (2 hours ago) by ann.",
        "packages/shared/a.ts (modified): package @crane/shared, which context depends on.",
        "Note: a note.",
    )
