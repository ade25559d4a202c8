"""A venture's own secrets: files of their own, opened by whom they were encrypted for; without staging, one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fleet import GOOD, SETTINGS, SecretFleet, lay_out
from keys import NOW

from cattlegrid.errors import ConfigError
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.secrets import store
from cattlegrid.secrets.infisical import CLIENT_ID, CLIENT_SECRET
from cattlegrid.settings import load

VENTURES = f"""{SETTINGS}
[ventures.vc]
environments = ["staging", "production"]
secrets.isolated = ["STORE_KEY"]
secrets.shared = ["MAIL_KEY"]

[ventures.ke]
environments = ["production"]
secrets.isolated = ["STORE_KEY"]
secrets.about.STORE_KEY.used-by = ["agents"]
"""


@pytest.fixture
def fleet(make: Callable[..., SecretFleet]) -> SecretFleet:
    return make(VENTURES)


def test_a_venture_without_staging_has_only_productions_file(fleet: SecretFleet) -> None:
    made = sorted(file.relative_to(fleet.root / "secrets").as_posix() for file in fleet.root.rglob("*.sops.json"))
    assert made == [
        "ke/production.sops.json", "production.sops.json", "staging.sops.json",
        "vc/production.sops.json", "vc/staging.sops.json",
    ]  # fmt: skip
    said = fleet.done("secrets", "list", "--venture", "ke").out
    assert "staging" not in said
    assert "secrets/ke/production.sops.json" in said


@pytest.mark.parametrize("words", [("generate",), ("set", "STORE_KEY"), ("exec", "--with", "STORE_KEY"), ("merge",)])
def test_staging_is_refused_to_a_venture_that_has_none_and_productions_value_is_not_taken(
    fleet: SecretFleet, words: tuple[str, ...]
) -> None:
    fleet.done("secrets", "generate", "--venture", "ke", "--env", "production")
    command = ("--", "env") if words[0] == "exec" else ()
    ran = fleet.done("secrets", *words, "--venture", "ke", *command, input=GOOD, code=3)
    assert "venture ke has no staging: its secrets are those of production" in ran.err
    assert "next: repeat it with --env production" in ran.err
    assert ran.out == ""


def test_exec_gives_the_ventures_value_and_hides_the_fleets_and_the_other_ventures(fleet: SecretFleet) -> None:
    for venture, environment in (("vc", "staging"), ("vc", "production"), ("ke", "production")):
        fleet.done("secrets", "generate", "--venture", venture, "--env", environment)
    show = ("--env", "production", "--", "sh", "-c", 'echo "$STORE_KEY|$API_KEY|$MAIL_KEY"')
    hidden = {"API_KEY": "of-the-parent-shell", "MAIL_KEY": "of-the-parent-shell"}
    theirs = [
        fleet.done("secrets", "exec", "--venture", venture, "--with", "STORE_KEY", *show, **hidden).out
        for venture in ("vc", "ke")
    ]
    assert all(len(shown) == len("|" * 2 + "\n") + 43 and shown.endswith("||\n") for shown in theirs)
    assert theirs[0] != theirs[1]
    assert "this is not a declared secret" in fleet.done("secrets", "exec", "--with", "STORE_KEY", *show, code=2).err


def test_a_machine_of_one_venture_opens_neither_the_other_nor_the_fleet(fleet: SecretFleet) -> None:
    fleet.done("secrets", "generate", "--venture", "vc")
    fleet.done("secrets", "recipients", "add", fleet.machine.public, "--name", "vc's machine", "--venture", "vc")
    fleet.done("secrets", "exec", "--venture", "vc", "--with", "STORE_KEY", "--", "true", who=fleet.machine)
    for venture in ((), ("--venture", "ke", "--env", "production"), ("--venture", "vc", "--env", "production")):
        name = "STORE_KEY" if venture else "API_KEY"
        ran = fleet.done("secrets", "exec", *venture, "--with", name, "--", "true", who=fleet.machine, code=2)
        assert "none of the keys on this machine opens it" in ran.err


def test_check_names_what_a_venture_lacks_and_one_value_under_two_ventures(fleet: SecretFleet) -> None:
    said = fleet.done("secrets", "check", "--offline", code=1).out
    assert "STORE_KEY of venture ke in production" in said
    assert "secrets set STORE_KEY --env production --venture ke" in said
    for environment in ("staging", "production"):
        fleet.done("secrets", "generate", "--venture", "vc", "--env", environment)
    fleet.done("secrets", "set", "MAIL_KEY", "--both", "--venture", "vc", input=GOOD + "-mail")
    fleet.done("secrets", "generate", "--venture", "ke", "--env", "production")
    assert "✓ pass" in fleet.done("secrets", "check", "--offline").out
    theirs = fleet.done("secrets", "exec", "--venture", "vc", "--with", "STORE_KEY", "--", "printenv", "STORE_KEY").out
    fleet.done("secrets", "set", "STORE_KEY", "--venture", "ke", "--env", "production", input=theirs)
    said = fleet.done("secrets", "check", "--offline", code=1).out
    assert "one value under STORE_KEY of venture ke of production, STORE_KEY of venture vc of staging" in said
    fleet.said.clear()  # what we printed by `exec`, for this test


def test_scan_looks_for_a_ventures_values_too(fleet: SecretFleet) -> None:
    fleet.done("secrets", "set", "STORE_KEY", "--venture", "ke", "--env", "production", input=GOOD + "-of-ke")
    (fleet.root / "agent.log").write_text(f"store key is {GOOD}-of-ke\n")
    ran = fleet.done("secrets", "scan", "--no-history", code=1)
    assert "agent.log:1  STORE_KEY of production of venture ke" in ran.out


def test_in_infisical_a_venture_has_a_folder_of_its_own(tmp_path: Path, infisical: str) -> None:
    where = f'store = "infisical"\ninfisical = {{ url = "{infisical}", project = "p-1" }}\n'
    lay_out(tmp_path, VENTURES.replace("[secrets]\n", f"[secrets]\n{where}"))
    fleet, person = load(tmp_path), {CLIENT_ID: "person", CLIENT_SECRET: "all"}
    theirs = store.choose(fleet.of_venture("ke"), Environment.PRODUCTION, person)
    theirs.change({"STORE_KEY": Secret(GOOD)}, NOW)
    assert theirs.place == "Infisical prod/ke"
    assert store.read(fleet.of_venture("ke"), Environment.PRODUCTION, person).values["STORE_KEY"].reveal() == GOOD
    assert store.read(fleet, Environment.PRODUCTION, person).names == frozenset()


def test_a_list_without_a_venture_tells_which_have_their_own(fleet: SecretFleet) -> None:
    said = fleet.done("secrets", "list").out
    assert "STORE_KEY" not in said
    assert "venture ke has secrets of its own: cattlegrid secrets list --venture ke" in said
    assert "Did you mean 'ke'?" in fleet.done("secrets", "list", "--venture", "kee", code=2).err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[ventures.vc]", '[ventures."../vc"]', "names a folder"),
        ('secrets.isolated = ["STORE_KEY"]\nsecrets.about', 'secrets.staging-only = ["STORE_KEY"]\nsecrets.about',
         "ventures.ke.secrets.staging-only: venture ke has no staging"),
        ("about.STORE_KEY.used", "about.STORE_KEI.used", "did you mean 'STORE_KEY'?"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_ventures_secrets_is_told_with_its_path(
    fleet: SecretFleet, old: str, new: str, said: str
) -> None:
    file = fleet.root / "cattlegrid.toml"
    assert VENTURES.count(old) == 1
    file.write_text(VENTURES.replace(old, new))
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        load(fleet.root)
