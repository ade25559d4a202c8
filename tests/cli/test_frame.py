from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cattlegrid.cli import COMMANDS, main


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert "0 pass, 1 fail, 2 usage, 3 refused, 4 not measured" in shown


def test_no_command_at_all_shows_the_help_and_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: cattlegrid" in capsys.readouterr().out


def test_a_misspelt_command_names_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["depoly"]) == 2
    shown = capsys.readouterr().err
    assert "there is no command 'depoly'; did you mean 'deploy'?" in shown
    assert "next: cattlegrid --help" in shown


def test_an_error_is_json_when_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["depoly", "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert json.loads(shown.err)["error"]["code"] == "CG-USAGE"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: cattlegrid {name}" in shown
    assert "--json" in shown


def test_help_loads_nothing_heavy() -> None:
    program = "import sys, cattlegrid.cli as c; c.main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    for heavy in ("httpx2", "rich", "starlette", "asyncio", "subprocess", "argparse", "tomllib", "json5"):
        assert f"'{heavy}'" not in loaded, f"{heavy} is imported by --help"
