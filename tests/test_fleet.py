"""The example fleet: its own tests, its types, its settings, and that both environments get the same bytes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cattlegrid.cli.demo import stage
from cattlegrid.model.check import Outcome
from cattlegrid.settings.file import load
from cattlegrid.toolchain import Toolchain
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.check import check_secrets

HERE = Path(__file__).parent
FLEET = HERE.parent / "examples" / "fleet"
DEVELOPMENT = HERE / "node" / "node_modules"
IDS = re.compile(r'id"?\s*[=:]\s*"([0-9a-f-]{32,36})"')


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A copy of the fleet with the one link that bundling needs."""
    copy = tmp_path / "fleet"
    shutil.copytree(FLEET, copy, ignore=shutil.ignore_patterns("node_modules", ".wrangler"))
    scope = copy / "node_modules" / "@crane"
    scope.mkdir(parents=True)
    (scope / "shared").symlink_to(Path("..", "..", "packages", "shared"))
    return copy


def run(parts: Toolchain, cwd: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": f"{parts.node.parent}:{os.environ['PATH']}",
        "HOME": str(cwd),
        "TMPDIR": str(cwd),
        "CI": "1",
        "WRANGLER_SEND_METRICS": "false",
        "CATTLEGRID_NODE_MODULES": str(parts.modules),
    }
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done


def types(parts: Toolchain, fleet: Path) -> None:
    for scope in ("@cloudflare", "@types"):
        (fleet / "node_modules" / scope).symlink_to(DEVELOPMENT / scope)
    compiler = DEVELOPMENT / "typescript" / "bin" / "tsc"
    run(parts, fleet, parts.node, compiler)
    run(parts, fleet, parts.node, compiler, "-p", "tests")


def modules(parts: Toolchain, worker: Path, environment: str) -> dict[str, bytes]:
    into = worker / "bundle" / environment
    run(parts, worker, *parts.wrangler, "deploy", "--dry-run", f"--env={environment}", "--outdir", into)
    described = {"README.md", "index.js.map"}
    return {file.name: file.read_bytes() for file in into.iterdir() if file.name not in described}


@pytest.mark.slow
def test_the_fleets_own_tests_pass_on_workerd(node_parts: Toolchain, fleet: Path) -> None:
    done = run(
        node_parts, fleet, node_parts.node, "--test", "--test-isolation=none", "--test-reporter=tap", "tests/*.test.ts"
    )
    assert re.search(r"^# pass ([2-9]\d)$", done.stdout, re.MULTILINE), done.stdout[-2000:]


@pytest.mark.slow
def test_the_fleets_types_are_sound(node_parts: Toolchain, fleet: Path) -> None:
    types(node_parts, fleet)


@pytest.mark.slow
def test_a_wrong_type_in_the_fleet_is_found(node_parts: Toolchain, fleet: Path) -> None:
    (fleet / "workers" / "watch" / "src" / "wrong.ts").write_text('export const database: D1Database = "none";\n')
    with pytest.raises(AssertionError, match=r"wrong\.ts.*TS2322"):
        types(node_parts, fleet)


@pytest.mark.slow
@pytest.mark.parametrize(("worker", "texts"), [("context", {".sql", ".md"}), ("watch", {".sql"})])
def test_both_environments_get_the_same_bytes(node_parts: Toolchain, fleet: Path, worker: str, texts: set[str]) -> None:
    staging = modules(node_parts, fleet / "workers" / worker, "")
    assert staging == modules(node_parts, fleet / "workers" / worker, "production")
    assert {Path(name).suffix for name in staging} == {".js", *texts}


def test_the_fleets_settings_are_accepted_with_both_workers() -> None:
    fleet = load(FLEET)
    assert [worker.name for worker in fleet.workers] == ["context", "watch"]
    for worker in fleet.workers:
        assert worker.probe == "/probe/database"
        assert any(check.status == 401 for check in worker.smoke)


def test_the_fleet_names_no_id_of_anybody_s_account() -> None:
    files = [FLEET / "workers" / "context" / "wrangler.jsonc", FLEET / "workers" / "watch" / "wrangler.toml"]
    assert [found for file in files for found in IDS.findall(file.read_text("utf-8"))] == []


def test_secrets_of_a_copy_are_made_for_a_key_of_its_own_and_the_example_ships_none(tmp_path: Path) -> None:
    assert not (FLEET / "secrets").exists()
    stage.lay_out(tmp_path)
    stage.write_secrets(tmp_path)
    here = Edge(tmp_path, {"SOPS_AGE_KEY_FILE": str(tmp_path / stage.AGE_KEY)})
    assert [one for one in check_secrets(here, offline=True).checks if one.outcome is not Outcome.PASS] == []
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)
    added = subprocess.run(
        ["git", "add", "--all", "-n"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "secrets/production.sops.json" in added
    assert "age-key" not in added


def test_lock_files_carry_no_download_addresses() -> None:
    for lock in (FLEET / "package-lock.json", HERE / "node" / "package-lock.json"):
        assert "https://registry" not in lock.read_text("utf-8")
        assert ".tgz" not in lock.read_text("utf-8")
