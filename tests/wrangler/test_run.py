from __future__ import annotations

import json
from pathlib import Path

import pytest

from cattlegrid.errors import ToolFailed, ToolMissing, ToolTooOld
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account
from cattlegrid.toolchain import Toolchain
from cattlegrid.wrangler.run import Wrangler, call, choose, environment, pinned

ACCOUNT = Account("http://127.0.0.1:1/client/v4", "acc", Secret("t0ken"))


def program(path: Path, script: str) -> Wrangler:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Wrangler((str(path),), path.parent)


def installed(folder: Path, version: str) -> None:
    package = folder / "node_modules" / "wrangler"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": version}))


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    return Toolchain(tmp_path / "bin" / "node", tmp_path / "modules")


def test_nothing_of_the_parents_cloudflare_environment_gets_through(tmp_path: Path) -> None:
    parent = {
        "CLOUDFLARE_API_KEY": "global",
        "CLOUDFLARE_ENV": "production",
        "CF_API_TOKEN": "old",
        "NODE_OPTIONS": "--require ./evil.js",
        "AWS_SECRET_ACCESS_KEY": "x",
        "HOME": "/home/me",
        "PATH": "/bin",
    }
    made = environment(Wrangler(("w",), tmp_path), parent, ACCOUNT)
    assert {name: value for name, value in made.items() if name.startswith(("CLOUDFLARE", "CF_", "NODE", "AWS"))} == {
        "CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:1/client/v4",
        "CLOUDFLARE_API_TOKEN": "t0ken",
        "CLOUDFLARE_ACCOUNT_ID": "acc",
        "NODE_COMPILE_CACHE": "/home/me/.cache/cattlegrid/compiled",
    }
    assert made["PATH"] == f"{tmp_path}:/bin"


def test_a_build_gets_no_credential_at_all(tmp_path: Path) -> None:
    made = environment(Wrangler(("w",), tmp_path), {"CLOUDFLARE_API_TOKEN": "t"}, None)
    assert not [name for name in made if name.startswith("CLOUDFLARE")]


def test_the_workers_own_wrangler_is_preferred(toolchain: Toolchain, tmp_path: Path) -> None:
    installed(tmp_path / "repo", "4.164.0")
    folder = tmp_path / "repo" / "workers" / "context"
    found = choose(toolchain, folder, tmp_path / "repo", {})
    assert found.argv[-1] == str(tmp_path / "repo/node_modules/wrangler/bin/wrangler.js")


def test_a_wrangler_above_the_fleet_is_not_ours_to_use(toolchain: Toolchain, tmp_path: Path) -> None:
    installed(tmp_path, "4.164.0")
    assert choose(toolchain, tmp_path / "repo" / "w", tmp_path / "repo", {}) == pinned(toolchain)


@pytest.mark.parametrize("version", ["3.114.0", "4.99.1", "", "next"])
def test_a_wrangler_that_is_too_old_is_refused_by_its_version(
    toolchain: Toolchain, tmp_path: Path, version: str
) -> None:
    installed(tmp_path, version)
    with pytest.raises(ToolTooOld, match=r"4\.100 or newer is needed"):
        choose(toolchain, tmp_path, tmp_path, {})


def test_an_override_that_is_not_there_is_an_error(toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="CATTLEGRID_WRANGLER names"):
        choose(toolchain, tmp_path, tmp_path, {"CATTLEGRID_WRANGLER": str(tmp_path / "nothing")})


def test_secrets_reach_wrangler_through_memory_only(tmp_path: Path) -> None:
    script = 'echo "$@" > seen-argv; while [ $# -gt 0 ]; do [ "$1" = --secrets-file ] && cat "$2"; shift; done'
    said = call(program(tmp_path / "w", script), ["deploy"], cwd=tmp_path, env={}, secrets={"KEY": Secret("hush")})
    assert json.loads(said.finished.out) == {"KEY": "hush"}
    assert "hush" not in (tmp_path / "seen-argv").read_text()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "hush" in path.read_text()]


def test_secrets_reach_a_process_that_wrangler_starts_without_our_descriptors(tmp_path: Path) -> None:
    script = (
        'while [ $# -gt 1 ]; do [ "$1" = --secrets-file ] && file=$2; shift; done\n'
        'for fd in 3 4 5 6 7 8 9; do eval "exec $fd<&-"; done\n'
        'cat "$file"'
    )
    said = call(program(tmp_path / "w", script), ["deploy"], cwd=tmp_path, env={}, secrets={"KEY": Secret("hush")})
    assert json.loads(said.finished.out) == {"KEY": "hush"}


def test_the_version_is_read_from_the_output_file(tmp_path: Path) -> None:
    record = json.dumps({"type": "deploy", "version_id": "v1"})
    script = f"echo garbage > $WRANGLER_OUTPUT_FILE_PATH; echo '{record}' >> $WRANGLER_OUTPUT_FILE_PATH"
    said = call(program(tmp_path / "w", script), ["deploy"], cwd=tmp_path, env={})
    assert said.version_id("deploy", "deploying") == "v1"


def test_a_wrangler_that_says_nothing_is_not_believed(tmp_path: Path) -> None:
    said = call(program(tmp_path / "w", "exit 0"), ["deploy"], cwd=tmp_path, env={})
    with pytest.raises(ToolFailed, match="did not say which version it made"):
        said.version_id("deploy", "deploying context")
