"""Every command, setting and error code is documented, and the documents name nothing that is not there."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

from cattlegrid import errors
from cattlegrid.cli import COMMANDS

ROOT = Path(__file__).parent.parent


def test_the_reference_is_what_the_tables_say() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "docs/reference.md").read_text() == generate.reference(), "run .venv/bin/python docs/generate.py"


def test_every_error_has_its_place_in_the_tree_and_a_meaning() -> None:
    tree = errors.__doc__ or ""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if "code" in vars(kind)]
    for kind in kinds:
        assert kind.__name__ in tree
        assert errors.MEANING[kind.code]
    assert {kind.code for kind in kinds} == set(errors.MEANING)


def test_the_documents_name_only_commands_that_exist() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    for page in pages:
        if page.name == "design.md":
            continue
        text = page.read_text()
        sessions = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL))
        shown = "\n".join(
            [*re.findall(r"`[^`\n]+`", text), *re.findall(r"^(?:\$ )?cattlegrid .*$", sessions, re.MULTILINE)]
        )
        named = set(re.findall(r"cattlegrid ([a-z]+)\b", shown))
        assert named <= set(COMMANDS), f"{page.name} names {named - set(COMMANDS)}"


def test_no_lock_file_holds_a_download_address() -> None:
    for lock in [ROOT / "requirements.lock", *ROOT.glob("**/package-lock.json")]:
        if "node_modules" not in lock.parts:
            assert '"resolved": "http' not in lock.read_text()
            assert "index-url" not in lock.read_text()
