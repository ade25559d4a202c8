from __future__ import annotations

from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError
from cattlegrid.secrets import dotenv

KNOWN = frozenset({"CONTEXT_KEY", "HOOK"})


def write(root: Path, text: str, mode: int = 0o600) -> None:
    file = root / "secrets" / "staging.env"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def values(root: Path) -> dict[str, str]:
    return {name: value.reveal() for name, value in dotenv.read(root, "secrets/staging.env", KNOWN).items()}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("CONTEXT_KEY=abc=def", "abc=def"),
        ("export CONTEXT_KEY = spaced ", "spaced"),
        ("CONTEXT_KEY='a \\n b'", "a \\n b"),
        ('CONTEXT_KEY="a\\n\\"b\\""', 'a\n"b"'),
        ("# a comment\n\nCONTEXT_KEY=x#y", "x#y"),
    ],
)
def test_a_line_gives_its_value(tmp_path: Path, line: str, value: str) -> None:
    write(tmp_path, line)
    assert values(tmp_path) == {"CONTEXT_KEY": value}


def test_no_file_holds_no_secrets(tmp_path: Path) -> None:
    assert values(tmp_path) == {}


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "CONTEXT_KEY=x", 0o640)
    with pytest.raises(ConfigError, match=r"secrets/staging\.env: can be read by others \(mode 0640\)") as error:
        values(tmp_path)
    assert error.value.next == "chmod 600 secrets/staging.env"


def test_every_mistake_is_told_at_once_and_no_value_is(tmp_path: Path) -> None:
    write(tmp_path, "CONTEXT_KY=hush\nnonsense hush\nHOOK=hush\nHOOK=hush\nCONTEXT_KEY=\n")
    with pytest.raises(ConfigError) as error:
        values(tmp_path)
    assert str(error.value).splitlines() == [
        "secrets/staging.env: line 1: CONTEXT_KY is not declared in cattlegrid.toml; did you mean CONTEXT_KEY?",
        "secrets/staging.env: line 2: is not NAME=value",
        "secrets/staging.env: line 4: HOOK comes a second time",
        "secrets/staging.env: line 5: CONTEXT_KEY is empty",
    ]
