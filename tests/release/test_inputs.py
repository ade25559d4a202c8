"""The failure catalogue of change detection: each row is a way in which other tools deployed too little or too much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError
from cattlegrid.release.source import checked_out
from cattlegrid.settings import load
from repositories import ENVIRON, FLEET, clone_of, empty, fleet

CONTEXT = "workers/context/src/index.ts"
WATCH = "workers/watch/src/index.ts"
CHANGED = "export default {};\n"


def package(name: str, **more: object) -> str:
    return json.dumps({"name": name, "version": "1.0.0", **more})


def lock(**versions: str) -> str:
    entries: dict[str, object] = {"": {"name": "root"}}
    for name, version in versions.items():
        entries[f"node_modules/{name}"] = {"version": version, "integrity": f"sha512-{name}-{version}"}
    entries["node_modules/hono"] = {**dict(entries.get("node_modules/hono", {})), "dependencies": {"mime": "*"}}  # type: ignore[call-overload]
    return json.dumps({"name": "root", "lockfileVersion": 3, "packages": entries}, indent=1)


def test_row_1_a_clone_of_depth_1_gives_the_same_digests_as_a_full_one(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    origin.commit({CONTEXT: CHANGED})
    shallow = clone_of(origin, tmp_path / "shallow", "--depth", "1")
    assert shallow.git("rev-list", "--count", "HEAD") == "1"
    assert {n: i.digest for n, i in shallow.inputs().items()} == {n: i.digest for n, i in origin.inputs().items()}


def test_row_2_a_merge_commit_shows_what_the_merged_branch_changed(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    base = clone.git("rev-parse", "HEAD")
    clone.git("switch", "--quiet", "--create", "feature")
    clone.commit({CONTEXT: CHANGED})
    clone.git("switch", "--quiet", "main")
    clone.commit({"README.md": "hello\n"})
    clone.git("merge", "--quiet", "--no-ff", "--no-edit", "feature")
    assert clone.changed(base) == ["context"]


def test_row_3_every_commit_of_one_push_counts_and_not_only_the_last(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    base = clone.git("rev-parse", "HEAD")
    clone.commit({CONTEXT: CHANGED})
    clone.commit({"README.md": "hello\n"})
    assert clone.changed("HEAD~1") == []
    assert clone.changed(base) == ["context"]


def test_row_4_and_21_what_is_checked_out_counts_whatever_started_the_run(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    tested = origin.commit({CONTEXT: CHANGED})
    origin.commit({WATCH: "export default { later: true };\n"})
    run = clone_of(origin, tmp_path / "run")
    run.git("checkout", "--quiet", "--detach", tested)
    environ = {**ENVIRON, "GITHUB_EVENT_NAME": "workflow_run", "GITHUB_SHA": origin.git("rev-parse", "HEAD")}
    found = checked_out(load(run.root), environ)
    assert found.commit == tested
    assert found.inputs["watch"].digest == origin.inputs("HEAD~2")["watch"].digest


def test_row_19_and_6_a_change_a_hundred_commits_ago_is_still_one(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    live = clone.git("rev-parse", "HEAD")
    clone.commit({CONTEXT: CHANGED})
    for number in range(110):
        clone.git("commit", "--quiet", "--allow-empty", "--message", f"run {number}, replaced by the next")
    assert clone.changed(live) == ["context"]


def test_row_20_a_commit_of_four_hundred_files_hides_none(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    clone.commit({f"docs/{number}.md": "x\n" for number in range(400)} | {WATCH: CHANGED})
    assert clone.changed("HEAD~1") == ["watch"]


def test_row_8_a_file_that_moves_between_workers_marks_both(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"workers/context/src/lib.ts": "export const x = 1;\n"})
    clone.git("mv", "workers/context/src/lib.ts", "workers/watch/src/lib.ts")
    clone.commit()
    assert clone.changed("HEAD~1") == ["context", "watch"]


def test_row_9_a_deleted_file_marks_its_worker(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"workers/watch/src/old.ts": "export {};\n"})
    clone.git("rm", "--quiet", "workers/watch/src/old.ts")
    clone.commit()
    assert clone.changed("HEAD~1") == ["watch"]


LOCKED = {
    "package.json": package("root", private=True, workspaces=["workers/*"]),
    "workers/context/package.json": package("context", dependencies={"hono": "*"}),
    "workers/watch/package.json": package("watch", dependencies={"zod": "*"}),
    "package-lock.json": lock(hono="4.0.0", mime="3.0.0", zod="4.0.0"),
}


def test_row_10_the_lock_file_marks_only_workers_that_depend_on_what_changed(tmp_path: Path) -> None:
    clone = fleet(tmp_path, LOCKED)
    clone.commit({"package-lock.json": lock(hono="4.0.0", mime="3.0.0", zod="4.1.0")})
    assert clone.changed("HEAD~1") == ["watch"]


def test_row_10_a_dependency_of_a_dependency_marks_the_worker(tmp_path: Path) -> None:
    clone = fleet(tmp_path, LOCKED)
    clone.commit({"package-lock.json": lock(hono="4.0.0", mime="3.0.1", zod="4.0.0")})
    assert clone.changed("HEAD~1") == ["context"]


def test_row_10_a_new_package_of_nobody_s_marks_nobody(tmp_path: Path) -> None:
    clone = fleet(tmp_path, LOCKED)
    clone.commit({"package-lock.json": lock(hono="4.0.0", mime="3.0.0", zod="4.0.0", left="1.0.0")})
    assert clone.changed("HEAD~1") == []


def test_row_10_a_lock_file_that_the_fleet_shares_marks_every_worker(tmp_path: Path) -> None:
    clone = fleet(tmp_path, LOCKED, FLEET + 'shared = ["package-lock.json"]\n')
    clone.commit({"package-lock.json": lock(hono="4.0.0", mime="3.0.0", zod="4.1.0")})
    assert clone.changed("HEAD~1") == ["context", "watch"]


@pytest.mark.parametrize("name", ["pnpm-lock.yaml", "yarn.lock", "bun.lock"])
def test_row_10_a_lock_file_of_another_kind_marks_every_worker(tmp_path: Path, name: str) -> None:
    clone = fleet(tmp_path, {name: "one\n"})
    clone.commit({name: "two\n"})
    assert clone.changed("HEAD~1") == ["context", "watch"]


def test_row_11_a_root_tsconfig_marks_the_workers_that_extend_it(tmp_path: Path) -> None:
    clone = fleet(
        tmp_path,
        {
            "workers/context/tsconfig.json": '{ "extends": "../../tsconfig.base.json" /* ours */ }',
            "workers/watch/tsconfig.json": "{}",
            "tsconfig.base.json": '{ "extends": ["./strict"] }',
            "strict.json": "{}",
        },
    )
    clone.commit({"strict.json": '{ "compilerOptions": {} }'})
    assert clone.changed("HEAD~1") == ["context"]


def test_row_11_a_root_tsconfig_in_force_marks_the_workers_without_their_own(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"tsconfig.json": "{}", "workers/watch/tsconfig.json": "{}"})
    clone.commit({"tsconfig.json": '{ "compilerOptions": {} }'})
    assert clone.changed("HEAD~1") == ["context"]


def test_row_11_a_path_shared_by_the_fleet_marks_every_worker(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"config/a.yaml": "1\n"}, FLEET + 'shared = ["config/*.yaml"]\n')
    clone.commit({"config/a.yaml": "2\n"})
    assert clone.changed("HEAD~1") == ["context", "watch"]
    clone.commit({"config/a.txt": "2\n"})
    assert clone.changed("HEAD~1") == []


SHARED = "packages/shared/src/index.ts"


@pytest.mark.parametrize(
    "wanted", ["file:../../packages/shared", "link:../../packages/shared", "workspace:*", "^1.0.0"]
)
def test_row_12_a_shared_package_marks_the_workers_that_depend_on_it(tmp_path: Path, wanted: str) -> None:
    clone = fleet(
        tmp_path,
        {
            "package.json": package("root", workspaces=["workers/*", "packages/*"]),
            "packages/shared/package.json": package("@crane/shared"),
            SHARED: "export const x = 1;\n",
            "workers/context/package.json": package("context", dependencies={"@crane/shared": wanted}),
            "workers/watch/package.json": package("watch"),
        },
    )
    clone.commit({SHARED: "export const x = 2;\n"})
    assert clone.changed("HEAD~1") == ["context"]
    part = clone.inputs()["context"].part_of(SHARED)
    assert part is not None
    assert part.because == "package @crane/shared, which workers/context/package.json depends on"


def test_row_11_a_root_package_json_that_declares_a_workspace_brings_its_package_in(tmp_path: Path) -> None:
    files = {
        "package.json": package("root"),
        "packages/shared/package.json": package("@crane/shared"),
        "workers/context/package.json": package("context", dependencies={"@crane/shared": "*"}),
        "workers/watch/package.json": package("watch"),
    }
    clone = fleet(tmp_path, files)
    clone.commit({"package.json": package("root", workspaces=["packages/*"])})
    assert clone.changed("HEAD~1") == ["context"]


def test_row_12_a_package_of_a_package_marks_the_worker(tmp_path: Path) -> None:
    clone = fleet(
        tmp_path,
        {
            "pnpm-workspace.yaml": "packages:\n  # ours\n  - 'packages/*'\n  - workers/*\n",
            "packages/a/package.json": package("a", dependencies={"b": "workspace:^"}),
            "packages/b/package.json": package("b"),
            "packages/b/index.ts": "1\n",
            "workers/context/package.json": package("context", devDependencies={"a": "workspace:*"}),
        },
    )
    clone.commit({"packages/b/index.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["context"]


def test_row_12_tsconfig_paths_bring_in_the_package_that_they_lead_to(tmp_path: Path) -> None:
    mapped = {
        "compilerOptions": {"baseUrl": "../..", "paths": {"@lib/*": ["libs/lib/src/*"], "@one": ["one/src/a.ts"]}}
    }
    clone = fleet(
        tmp_path,
        {
            "workers/context/tsconfig.json": json.dumps(mapped),
            "libs/lib/src/x.ts": "1\n",
            "one/package.json": package("one"),
            "one/src/a.ts": "1\n",
            "one/src/b.ts": "1\n",
        },
    )
    clone.commit({"libs/lib/src/x.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["context"]
    clone.commit({"one/src/b.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["context"]


def test_row_12_a_path_outside_that_the_wrangler_file_names_marks_the_worker(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"sql/0001_first.sql": "select 1;\n"})
    settings = (clone.root / "workers/watch/wrangler.toml").read_text()
    clone.commit({"workers/watch/wrangler.toml": settings + '[[d1_databases]]\nmigrations_dir = "../../sql"\n'})
    clone.commit({"sql/0002_second.sql": "select 2;\n"})
    assert clone.changed("HEAD~1") == ["watch"]


def test_row_12_declared_inputs_mark_the_worker_and_only_it(tmp_path: Path) -> None:
    settings = FLEET + '[workers.watch]\ninputs = ["../../lib/**", "../../data/*.json"]\n'
    clone = fleet(tmp_path, {"lib/deep/a.ts": "1\n", "data/a.json": "1\n"}, settings)
    clone.commit({"lib/deep/a.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["watch"]
    clone.commit({"data/b.json": "2\n"})
    assert clone.changed("HEAD~1") == ["watch"]


def test_row_13_a_submodule_that_moves_on_marks_the_workers_that_use_it(tmp_path: Path) -> None:
    library = empty(tmp_path / "library")
    library.commit({"package.json": package("sub"), "pkg/package.json": package("deep"), "pkg/a.ts": "1\n"})
    clone = fleet(
        tmp_path / "fleet",
        {"workers/context/package.json": package("context", dependencies={"deep": "file:../../libs/sub/pkg"})},
    )
    clone.git("submodule", "--quiet", "add", f"file://{library.root}", "libs/sub")
    clone.commit()
    library.commit({"pkg/a.ts": "2\n"})
    clone.git("submodule", "--quiet", "update", "--remote")
    clone.commit()
    assert clone.changed("HEAD~1") == ["context"]


def test_row_14_a_symlink_marks_the_worker_when_what_it_points_to_changes(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"shared/config.ts": "1\n", "shared/other.ts": "1\n"})
    (clone.root / "workers/watch/src/config.ts").symlink_to("../../../shared/config.ts")
    clone.commit()
    clone.commit({"shared/config.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["watch"]
    clone.commit({"shared/other.ts": "2\n"})
    assert clone.changed("HEAD~1") == []


def test_row_15_a_file_with_a_non_ascii_name_marks_its_worker(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"workers/watch/src/grüße 你好.ts": "1\n"})
    clone.commit({"workers/watch/src/grüße 你好.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["watch"]


def test_row_15_a_worker_in_a_folder_with_a_non_ascii_name_is_seen(tmp_path: Path) -> None:
    files = {"workers/wächter/wrangler.toml": "name = 'a'\n", "workers/wächter/index.ts": "1\n"}
    clone = fleet(tmp_path, files)
    clone.commit({"workers/wächter/index.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["wächter"]


def test_row_16_a_force_push_needs_no_common_history(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    live = {name: found.digest for name, found in clone.inputs().items()}
    clone.git("checkout", "--quiet", "--orphan", "rewritten")
    clone.commit({WATCH: CHANGED})
    assert [name for name, found in clone.inputs().items() if found.digest != live[name]] == ["watch"]


def test_row_17_a_hotfix_that_is_no_ancestor_is_not_hidden(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    clone.git("switch", "--quiet", "--create", "hotfix")
    hotfix = clone.commit({WATCH: CHANGED})
    clone.git("switch", "--quiet", "main")
    clone.commit({CONTEXT: CHANGED})
    assert clone.changed(hotfix) == ["context", "watch"]


def test_row_22_the_first_commit_of_a_repository_has_digests(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    assert clone.git("rev-list", "--count", "HEAD") == "1"
    assert {len(found.digest) for found in clone.inputs().values()} == {64}


def test_row_26_a_change_that_was_taken_back_is_no_change(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    base = clone.git("rev-parse", "HEAD")
    clone.commit({CONTEXT: CHANGED})
    assert clone.changed(base) == ["context"]
    clone.git("revert", "--no-edit", "HEAD")
    assert clone.changed(base) == []


def test_an_ignored_dist_folder_does_not_count(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {".gitignore": "dist/\n"})
    before = clone.inputs()["watch"].digest
    clone.write({"workers/watch/dist/index.js": "stale\n"})
    assert clone.working_inputs()["watch"].digest == before


def test_uncommitted_and_untracked_files_count_and_are_named(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    committed = clone.inputs()
    clone.write({CONTEXT: CHANGED, "workers/context/src/new.ts": "1\n", "README.md": "not of a worker\n"})
    working = clone.working_inputs()
    assert working["context"].dirty == (CONTEXT, "workers/context/src/new.ts")
    assert working["context"].digest != committed["context"].digest
    assert working["watch"] == committed["watch"]


def test_a_worker_that_was_never_committed_counts_as_dirty(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    clone.write({"workers/mail/wrangler.toml": 'name = "mail"\n', "workers/mail/package.json": package("mail")})
    assert clone.working_inputs()["mail"].dirty == ("workers/mail/package.json", "workers/mail/wrangler.toml")


def test_a_local_package_that_appears_in_an_uncommitted_package_json_is_followed(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"lib/index.ts": "1\n"})
    clone.write({"workers/watch/package.json": package("watch", dependencies={"lib": "file:../../lib"})})
    assert clone.working_inputs()["watch"].part_of("lib/index.ts") is not None


def test_a_broken_package_json_is_named_with_line_and_column(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {"workers/watch/package.json": '{ "name": }'})
    with pytest.raises(ConfigError, match=r"workers/watch/package\.json: is not valid JSON: .*line 1 column 11"):
        clone.inputs()


def test_a_fleet_in_a_folder_of_a_larger_repository_is_read_there(tmp_path: Path) -> None:
    whole = empty(tmp_path)
    inner = fleet(tmp_path / "backend")
    (inner.root / ".git").rename(tmp_path / "old")
    whole.commit({"README.md": "front\n"})
    whole.commit({"backend/workers/watch/src/index.ts": CHANGED})
    assert inner.changed("HEAD~1") == ["watch"]


def test_one_worker_at_the_root_of_its_repository_is_named_by_the_fleet(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    settings = '[fleet]\nname = "solo"\nworkers = ["."]\n'
    clone.commit({"cattlegrid.toml": settings, "wrangler.toml": "name = 'solo'\n", "src/index.ts": "1\n"})
    clone.commit({"src/index.ts": "2\n"})
    assert clone.changed("HEAD~1") == ["solo"]


def test_an_uncommitted_lock_file_makes_only_the_workers_dirty_whose_packages_it_changes(tmp_path: Path) -> None:
    clone = fleet(tmp_path, LOCKED)
    committed = clone.inputs()
    clone.write({"package-lock.json": lock(hono="4.0.0", mime="3.0.0", zod="4.1.0")})
    working = clone.working_inputs()
    assert (working["watch"].dirty, working["context"].dirty) == (("package-lock.json",), ())
    assert working["context"].digest == committed["context"].digest


def test_a_worker_that_git_ignores_is_refused(tmp_path: Path) -> None:
    clone = fleet(tmp_path, {".gitignore": "workers/local/\n"})
    clone.write({"workers/local/wrangler.toml": "name = 'local'\n"})
    with pytest.raises(ConfigError, match=r"workers/local/wrangler\.toml: git knows no file in workers/local"):
        checked_out(load(clone.root), ENVIRON)


def test_what_npm_and_wrangler_leave_behind_is_not_uncommitted_work(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    clone.write({"workers/watch/.wrangler/tmp/bundle.js": "1\n", "workers/watch/node_modules/a/index.js": "1\n"})
    assert checked_out(load(clone.root), ENVIRON).dirty == ()
