"""The workflow's text: what linters say of it, and what must never be in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cattlegrid.cli import main
from cattlegrid.github import workflow
from cattlegrid.github.workflow import Workflow
from repositories import FLEET, Clone, fleet

BIN = Path(sys.executable).parent
TOKENS = '[environments.staging]\ntoken = "STAGING_TOKEN"\n[environments.production]\ntoken = "PRODUCTION_TOKEN"\n'
PLAIN = Workflow("0.1.0", "CI", "main", "STAGING_TOKEN", "PRODUCTION_TOKEN", store=("SOPS_AGE_KEY",))
ODD = Workflow("0.1.0", 'Test "all"', "it's-main", "TOKEN", "TOKEN", "infra/edge workers", 1)


@pytest.fixture(params=[PLAIN, ODD], ids=["plain", "odd names"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / ".github" / "workflows" / "cattlegrid.yml"
    path.parent.mkdir(parents=True)
    path.write_text(workflow.text(request.param))
    return path


def lint(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in argv]
    return subprocess.run(words, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})


def test_actionlint_reports_nothing(file: Path) -> None:
    done = lint(BIN / "actionlint", file)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_actionlint_is_seen_to_fail(file: Path) -> None:
    file.write_text(file.read_text().replace("needs.changes.outputs.any", "needs.change.outputs.any"))
    assert lint(BIN / "actionlint", file).returncode == 1


def test_zizmor_reports_nothing(file: Path) -> None:
    done = lint(BIN / "zizmor", "--offline", "--no-progress", "--persona=regular", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_is_seen_to_fail(file: Path) -> None:
    text = file.read_text().replace('"$RELEASE" --summary', "${{ inputs.release }} --summary")
    file.write_text(text)
    assert lint(BIN / "zizmor", "--offline", "--no-progress", file).returncode != 0


def jobs(text: str) -> dict[str, str]:
    found = re.split(r"^  (\w+):\n(?=    name:)", text.partition("\njobs:\n")[2], flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_only_the_promotion_can_see_production_s_credential() -> None:
    seen = jobs(workflow.text(PLAIN))
    assert list(seen) == ["changes", "deploy", "smoke", "promote"]
    assert [name for name, job in seen.items() if "PRODUCTION_TOKEN" in job] == ["promote"]
    assert [name for name, job in seen.items() if "environment: production" in job] == ["promote"]


def test_the_store_s_identity_of_production_is_another_secret_that_only_the_promotion_can_see() -> None:
    seen = jobs(workflow.text(PLAIN))
    assert [name for name, job in seen.items() if "secrets.PRODUCTION_SOPS_AGE_KEY" in job] == ["promote"]
    assert [name for name, job in seen.items() if "secrets.STAGING_SOPS_AGE_KEY" in job] == ["deploy", "smoke"]
    assert not [name for name, job in seen.items() if "secrets.SOPS_AGE_KEY" in job]


def test_nothing_that_github_fills_in_stands_in_a_script() -> None:
    scripts = re.findall(r"^ +run: (?:\|\n)?((?:.|\n(?! +(?:- |\w+:)|\n))*)", workflow.text(PLAIN), re.MULTILINE)
    assert len(scripts) > 8
    assert [script for script in scripts if "${{" in script] == []


def test_row_24_no_step_uses_an_action_of_anybody_s_and_no_job_may_write() -> None:
    text = workflow.text(PLAIN)
    assert "uses:" not in text
    assert set(re.findall(r"^ +(\w[\w-]*): (?:read|write)$", text, re.MULTILINE)) == {"contents"}
    assert "write" not in re.findall(r": (read|write)$", text, re.MULTILINE)


def test_packages_are_installed_without_a_credential_and_never_for_production() -> None:
    seen = jobs(workflow.text(PLAIN))
    assert [name for name, job in seen.items() if "npm ci" in job] == ["deploy"]
    step = seen["deploy"].partition("Install the fleet's packages")[2].partition("- name:")[0]
    assert "env:" not in step
    assert "token" not in step


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    clone = fleet(tmp_path / "r", settings=f"{FLEET}{TOKENS}")
    monkeypatch.chdir(clone.root)
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    return clone


def test_it_is_written_once_and_then_up_to_date(here: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workflow"]) == 0
    assert "PRODUCTION_TOKEN: ${{ secrets.PRODUCTION_TOKEN }}" in (here.root / workflow.PATH).read_text()
    assert main(["workflow"]) == 0
    assert "is up to date" in capsys.readouterr().out


def test_a_file_that_differs_is_shown_and_left_as_it_is(here: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    main(["workflow"])
    file = here.root / workflow.PATH
    mine = file.read_text().replace("timeout-minutes: 60", "timeout-minutes: 90")
    file.write_text(mine)
    assert main(["workflow"]) == 3
    said = capsys.readouterr()
    assert "-    timeout-minutes: 90\n+    timeout-minutes: 60" in said.out
    assert "next: cattlegrid workflow --yes" in said.err
    assert file.read_text() == mine
    assert main(["workflow", "--yes"]) == 0
    assert file.read_text() != mine


def test_a_check_says_that_the_file_is_older_than_the_tool(here: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    main(["workflow"])
    file = here.root / workflow.PATH
    file.write_text(file.read_text().replace(workflow.written_by(file.read_text()), "0.0.1"))
    capsys.readouterr()
    assert main(["workflow", "--check"]) == 1
    assert "was written by cattlegrid 0.0.1" in capsys.readouterr().out


def test_a_check_without_a_token_is_not_measured(here: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    main(["workflow"])
    assert main(["workflow", "--check"]) == 4
    assert "GitHub was not asked" in capsys.readouterr().out
