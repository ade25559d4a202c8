"""Change detection with the real wrangler, against live states as Cloudflare would tell them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cattlegrid.errors import ApiError, ConfigError
from cattlegrid.model.change import Change, Verdict
from cattlegrid.model.environment import Environment
from cattlegrid.model.stamp import Stamp
from cattlegrid.model.target import Target
from cattlegrid.model.version import Deployment, Version
from cattlegrid.release import detect, target
from cattlegrid.release.live import Live
from cattlegrid.release.source import checked_out
from cattlegrid.settings import load
from cattlegrid.toolchain import Toolchain
from repositories import FLEET, Clone, clone_of, fleet

pytestmark = pytest.mark.slow

SINCE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ACCOUNT = {"CLOUDFLARE_API_TOKEN": "t", "CLOUDFLARE_ACCOUNT_ID": "a"}
SHARED = 'export const used = "1";\nexport const unused = "1";\n'
INDEX = 'import {{ used }} from "@crane/shared";\nexport default {{ fetch: () => new Response("{0}" + used) }};\n'
FILES = {
    "package.json": '{ "workspaces": ["workers/*", "packages/*"] }',
    ".gitignore": "node_modules\n",
    "packages/shared/package.json": '{ "name": "@crane/shared", "main": "index.ts" }',
    "packages/shared/index.ts": SHARED,
    **{f"workers/{name}/package.json": '{ "dependencies": { "@crane/shared": "*" } }' for name in ("context", "watch")},
    **{f"workers/{name}/src/index.ts": INDEX.format(name) for name in ("context", "watch")},
}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    found = fleet(tmp_path / "fleet", FILES)
    installed(found)
    return found


def installed(clone: Clone) -> None:
    """What `npm ci` leaves behind for a workspace: a link."""
    (clone.root / "node_modules/@crane").mkdir(parents=True)
    (clone.root / "node_modules/@crane/shared").symlink_to("../../packages/shared")


def resolved(clone: Clone) -> Target:
    return target.resolve(load(clone.root), Environment.STAGING, ACCOUNT)


def changes(clone: Clone, live: dict[str, Live | ApiError], node_parts: Toolchain) -> dict[str, Change]:
    source = checked_out(load(clone.root), os.environ)
    builder = detect.Builder(lambda: node_parts, os.environ)
    found = detect.detect(source, resolved(clone), live, builder)
    return {one.change.worker: one.change for one in found}


def deployed(clone: Clone, node_parts: Toolchain) -> dict[str, Live | ApiError]:
    """What is live once everything here was deployed: each stamp as it is read back from a version's message."""
    nothing: dict[str, Live | ApiError] = {"context": Live("context-staging"), "watch": Live("watch-staging")}
    source = checked_out(load(clone.root), os.environ)
    builder = detect.Builder(lambda: node_parts, os.environ)
    found = detect.detect(source, resolved(clone), nothing, builder, build_all=True)
    return {one.change.worker: live(one.change.now) for one in found}


def live(stamp: Stamp) -> Live:
    version = Version("v" * 36, 1, SINCE, "ann", "wrangler", "upload", stamp.tag, stamp.message, "etag")
    return Live("s", Deployment("d", SINCE, "ann", "wrangler", "", ()), version, Stamp.read(stamp.message))


def test_right_after_a_deploy_nothing_is_changed_and_nothing_is_built(clone: Clone, node_parts: Toolchain) -> None:
    state = deployed(clone, node_parts)

    def no_toolchain() -> Toolchain:
        pytest.fail("a build was started")

    source = checked_out(load(clone.root), os.environ)
    found = detect.detect(source, resolved(clone), state, detect.Builder(no_toolchain, os.environ))
    assert [one.change.verdict for one in found] == [Verdict.UNCHANGED, Verdict.UNCHANGED]


def test_row_12_one_worker_s_line_changes_one_worker_and_the_shared_package_changes_both(
    clone: Clone, node_parts: Toolchain
) -> None:
    state = deployed(clone, node_parts)
    clone.commit({"workers/watch/src/index.ts": INDEX.format("other")})
    found = changes(clone, state, node_parts)
    assert [found[name].verdict for name in ("context", "watch")] == [Verdict.UNCHANGED, Verdict.CHANGED]
    assert [file.path for file in found["watch"].files] == ["workers/watch/src/index.ts"]
    clone.commit({"packages/shared/index.ts": SHARED.replace('used = "1"', 'used = "2"')})
    found = changes(clone, state, node_parts)
    assert [change.verdict for change in found.values()] == [Verdict.CHANGED, Verdict.CHANGED]
    assert [(file.path, file.because) for file in found["context"].files] == [
        ("packages/shared/index.ts", "package @crane/shared, which workers/context/package.json depends on")
    ]


def test_row_12_a_change_that_does_not_reach_the_bundle_needs_no_deploy(clone: Clone, node_parts: Toolchain) -> None:
    state = deployed(clone, node_parts)
    clone.commit({"packages/shared/index.ts": SHARED.replace('unused = "1"', 'unused = "2"')})
    found = changes(clone, state, node_parts)
    assert {change.verdict for change in found.values()} == {Verdict.UNCHANGED}
    assert found["context"].why == "files changed, but what wrangler makes of them is the same"


def test_row_25_a_var_that_changes_is_a_change_of_configuration_alone(clone: Clone, node_parts: Toolchain) -> None:
    state = deployed(clone, node_parts)
    config = (clone.root / "workers/watch/wrangler.toml").read_text()
    clone.commit({"workers/watch/wrangler.toml": 'vars = { LEVEL = "debug" }\n' + config})
    found = changes(clone, state, node_parts)
    assert [reason.about for reason in found["watch"].reasons] == ["config"]
    assert found["context"].verdict is Verdict.UNCHANGED


def test_row_5_and_7_what_was_not_deployed_last_time_is_found_again(clone: Clone, node_parts: Toolchain) -> None:
    state = deployed(clone, node_parts)
    clone.commit({"workers/watch/src/index.ts": INDEX.format("failed to deploy")})
    clone.commit({"README.md": "an unrelated commit, whose CI is green\n"})
    found = changes(clone, state, node_parts)
    assert found["watch"].verdict is Verdict.CHANGED


def test_row_18_after_a_roll_back_the_worker_is_changed_against_what_runs(clone: Clone, node_parts: Toolchain) -> None:
    first = deployed(clone, node_parts)
    clone.commit({"workers/watch/src/index.ts": INDEX.format("second")})
    second = deployed(clone, node_parts)
    assert changes(clone, second, node_parts)["watch"].verdict is Verdict.UNCHANGED
    assert changes(clone, first, node_parts)["watch"].verdict is Verdict.CHANGED


def test_row_1_in_a_clone_of_depth_1_only_the_file_names_are_missing(
    clone: Clone, node_parts: Toolchain, tmp_path: Path
) -> None:
    state = deployed(clone, node_parts)
    clone.commit({"workers/watch/src/index.ts": INDEX.format("other")})
    shallow = clone_of(clone, tmp_path / "shallow", "--depth", "1")
    installed(shallow)
    found = changes(shallow, state, node_parts)
    assert [found[name].verdict for name in ("context", "watch")] == [Verdict.UNCHANGED, Verdict.CHANGED]
    assert found["watch"].files == ()
    assert "is not in this clone" in found["watch"].notes[0]


def test_uncommitted_files_are_a_change_and_are_named(clone: Clone, node_parts: Toolchain) -> None:
    state = deployed(clone, node_parts)
    clone.write({"workers/watch/src/index.ts": INDEX.format("not committed")})
    watch = changes(clone, state, node_parts)["watch"]
    assert (watch.verdict, watch.now.dirty) == (Verdict.CHANGED, True)
    assert [(file.path, file.how) for file in watch.files] == [("workers/watch/src/index.ts", "uncommitted")]


def test_a_worker_that_cannot_be_built_is_unknown_and_the_others_are_decided(
    clone: Clone, node_parts: Toolchain
) -> None:
    state = deployed(clone, node_parts)
    clone.commit({"workers/watch/src/index.ts": "export default {", "workers/context/src/new.ts": "1\n"})
    found = changes(clone, state, node_parts)
    assert [found[name].verdict for name in ("context", "watch")] == [Verdict.UNCHANGED, Verdict.UNKNOWN]
    assert "it could not be built" in found["watch"].why


def test_an_error_of_cloudflare_s_makes_its_worker_unknown(clone: Clone, node_parts: Toolchain) -> None:
    state = deployed(clone, node_parts)
    found = changes(clone, {**state, "watch": ApiError("internal error", status=500)}, node_parts)
    assert [found[name].verdict for name in ("context", "watch")] == [Verdict.UNCHANGED, Verdict.UNKNOWN]
    assert found["watch"].why == "Cloudflare did not tell what is live: internal error"


def test_a_define_that_differs_between_the_environments_is_told(clone: Clone, node_parts: Toolchain) -> None:
    state = deployed(clone, node_parts)
    config = (clone.root / "workers/watch/wrangler.toml").read_text()
    clone.commit(
        {
            "workers/watch/wrangler.toml": "define = { NAME = \"'staging'\" }\n"
            + config
            + "define = { NAME = \"'production'\" }\n",
            "workers/watch/src/index.ts": "export default { fetch: () => new Response(NAME) };\n",
        }
    )
    notes = changes(clone, state, node_parts)["watch"].notes
    assert notes == (
        (
            "staging's code and production's differ, since they are configured with their own define:"
            " promotion moves the bytes that staging ran"
        ),
    )


def test_a_file_from_outside_the_inputs_stops_everything_with_the_line_to_add(
    clone: Clone, node_parts: Toolchain
) -> None:
    state = deployed(clone, node_parts)
    clone.commit(
        {
            "lib/extra.ts": "export const extra = 1;\n",
            "workers/watch/src/index.ts": 'import { extra } from "../../../lib/extra";\n'
            "export default { fetch: () => new Response(String(extra)) };\n",
        }
    )
    with pytest.raises(ConfigError, match=r'under \[workers\.watch\]: inputs = \["\.\./\.\./lib/\*\*"\]'):
        changes(clone, state, node_parts)
    clone.commit({"cattlegrid.toml": FLEET + '[workers.watch]\ninputs = ["../../lib/**"]\n'})
    assert changes(clone, state, node_parts)["watch"].verdict is Verdict.CHANGED


def test_a_worker_deployed_from_uncommitted_files_is_deployed_again_once_they_are_committed(
    clone: Clone, node_parts: Toolchain
) -> None:
    state = deployed(clone, node_parts)
    watch = state["watch"]
    assert isinstance(watch, Live)
    assert watch.stamp is not None
    state["watch"] = live(replace(watch.stamp, dirty=True))
    assert changes(clone, state, node_parts)["watch"].verdict is Verdict.CHANGED


def test_row_10_a_package_that_the_worker_uses_but_does_not_depend_on_is_refused(
    clone: Clone, node_parts: Toolchain
) -> None:
    state = deployed(clone, node_parts)
    package = clone.root / "node_modules/hoisted"
    package.mkdir()
    (package / "index.js").write_text("export const x = 1;\n")
    entries = {"": {}, "node_modules/hoisted": {"version": "1.0.0"}}
    clone.commit(
        {
            "package-lock.json": json.dumps({"lockfileVersion": 3, "packages": entries}),
            "workers/watch/src/index.ts": 'import { x } from "hoisted";\nexport default { fetch: () => x };\n',
        }
    )
    with pytest.raises(ConfigError, match=r"workers/watch/package\.json: dependencies: package hoisted"):
        changes(clone, state, node_parts)
    clone.commit({"workers/watch/package.json": '{ "dependencies": { "hoisted": "*" } }'})
    assert changes(clone, state, node_parts)["watch"].verdict is Verdict.CHANGED
