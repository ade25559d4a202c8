"""The commands that need no Cloudflare, typed as a person types them: text, exit codes, files."""

from __future__ import annotations

import json
import os
import pty
import stat
from collections.abc import Callable

import pytest
from fleet import COMMAND, GOOD, SETTINGS, SecretFleet
from keys import NOW

from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.infisical import CLIENT_ID, CLIENT_SECRET, InfisicalStore
from cattlegrid.settings import load


@pytest.fixture
def fleet(make: Callable[..., SecretFleet]) -> SecretFleet:
    return make()


def at_terminal(fleet: SecretFleet, typed: str, *words: str, **environ: str) -> str:
    """What the command shows at a terminal where somebody types this."""
    env = {**fleet.environ, **fleet.ann.environ, "NO_COLOR": "1", **environ}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(fleet.root)
        os.execve(COMMAND[0], [*COMMAND, *words], env)  # noqa: S606 - the program itself, on the terminal
    seen, left = b"", typed.encode()
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
            if left and seen.rstrip().endswith(b":"):  # typed before the question, it would be thrown away
                os.write(terminal, left)
                left = b""
    except OSError:  # Linux tells the end of a terminal like this
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return seen.decode()


def test_a_new_store_can_be_opened_by_its_maker_and_lists_what_is_missing(make: Callable[..., SecretFleet]) -> None:
    fleet = make(filled=False)
    said = fleet.done("secrets", "list").out
    assert said.count("missing") == 6
    assert "Ann" in fleet.done("secrets", "recipients", "list").out
    assert fleet.done("secrets", "init").out == "the stores are there already\n"


def test_a_list_shows_fingerprints_and_ages_and_no_value(fleet: SecretFleet) -> None:
    said = fleet.done("secrets", "list").out
    assert "API_KEY      isolated" in said
    values = [fleet.value(name, env) for name in ("API_KEY", "HOOK_SECRET") for env in ("staging", "production")]
    assert not [value for value in values if value in said]
    rows = {row["name"]: row["entries"] for row in fleet.done("secrets", "list", "--json").json["rows"]}
    hook, key = rows["HOOK_SECRET"], rows["API_KEY"]
    assert hook["staging"]["fingerprint"] == hook["production"]["fingerprint"]
    assert key["staging"]["fingerprint"] != key["production"]["fingerprint"]


@pytest.mark.parametrize("words", [("API_KEY=hunter2-hunter2",), ("API_KEY", "hunter2-hunter2")])
def test_a_value_on_the_command_line_is_refused_and_not_repeated(fleet: SecretFleet, words: tuple[str, ...]) -> None:
    ran = fleet.done("secrets", "set", *words, code=2)
    assert "seen by every process" in ran.err
    assert "hunter2" not in ran.said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("short", "has 5 characters, and needs 16"),
        ("ask Ann for the key of the api", "reads like a description"),
        ("prefix-${NOBODY_FILLED_THIS}-in", "a ${…} that nobody has filled in"),
        ("changeme", "is a placeholder"),
        (" leading-white-space-is-wrong", "white space"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(fleet: SecretFleet, value: str, said: str) -> None:
    ran = fleet.done("secrets", "set", "API_KEY", input=value, code=2)
    assert said in ran.err
    assert value.strip() == "" or len(value) < 8 or value not in ran.said


def test_the_same_value_in_the_other_environment_or_under_another_name_is_refused(fleet: SecretFleet) -> None:
    ran = fleet.done("secrets", "set", "API_KEY", input=fleet.value("API_KEY", "production"), code=3)
    assert "the same value is API_KEY of production" in ran.err
    ran = fleet.done("secrets", "set", "API_KEY", input=fleet.value("WATCH_KEY"), code=3)
    assert "the same value is WATCH_KEY of staging" in ran.err


def test_an_unknown_environment_is_an_error_and_an_unknown_name_too(fleet: SecretFleet) -> None:
    assert fleet.done("secrets", "set", "API_KEY", "--env", "prod", input=GOOD, code=2).err.count("production")
    assert "did you mean API_KEY?" in fleet.done("secrets", "set", "API_KEYS", input=GOOD, code=2).err


def test_a_shared_secret_set_on_one_side_says_that_the_other_has_another(fleet: SecretFleet) -> None:
    said = fleet.done("secrets", "set", "HOOK_SECRET", input="another-value-of-the-hook").out
    assert "HOOK_SECRET is shared, and production has another value" in said


def test_generate_fills_the_gaps_and_replaces_nothing(make: Callable[..., SecretFleet]) -> None:
    fleet = make(filled=False)
    assert "generated: API_KEY, WATCH_KEY" in fleet.done("secrets", "generate").out
    before = fleet.value("API_KEY")
    assert "generated: nothing" in fleet.done("secrets", "generate").out
    assert "next: cattlegrid secrets rotate API_KEY" in fleet.done("secrets", "generate", "API_KEY", code=3).err
    assert fleet.value("API_KEY") == before


def test_get_shows_a_value_to_a_person_who_says_yes(fleet: SecretFleet) -> None:
    assert fleet.value("API_KEY") in at_terminal(fleet, "yes\n", "secrets", "get", "API_KEY")
    assert fleet.value("API_KEY") not in at_terminal(fleet, "no\n", "secrets", "get", "API_KEY")


def test_get_refuses_a_pipe_a_production_pipe_even_with_reveal_and_an_agent(fleet: SecretFleet) -> None:
    assert "to a person at a terminal only" in fleet.done("secrets", "get", "API_KEY", code=3).err
    assert fleet.done("secrets", "get", "API_KEY", "--reveal").out == fleet.value("API_KEY") + "\n"
    fleet.done("secrets", "get", "API_KEY", "--reveal", "--env", "production", code=3)
    ran = fleet.done("secrets", "get", "API_KEY", "--reveal", code=3, CLAUDECODE="1")
    assert "in an agent's session (it sets CLAUDECODE)" in ran.err
    assert fleet.value("API_KEY") not in at_terminal(fleet, "yes\n", "secrets", "get", "API_KEY", CLAUDECODE="1")


def test_a_hidden_prompt_takes_the_value_without_showing_it(fleet: SecretFleet) -> None:
    shown = at_terminal(fleet, f"{GOOD}-typed\n", "secrets", "set", "API_KEY")
    assert "Value of API_KEY (not shown)" in shown
    assert GOOD not in shown.partition("not shown)")[2]
    assert fleet.value("API_KEY") == f"{GOOD}-typed"


def test_exec_gives_the_named_secrets_and_hides_every_other(fleet: SecretFleet) -> None:
    ran = fleet.done(
        "secrets", "exec", "--with", "API_KEY", "--", "env",
        WATCH_KEY="a-production-value-of-the-parent", CLOUDFLARE_API_TOKEN="token-of-the-shell", COLOUR="blue",
    )  # fmt: skip
    env = dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line)
    assert env["API_KEY"] == fleet.value("API_KEY")
    assert env["COLOUR"] == "blue"
    assert not {"WATCH_KEY", "CLOUDFLARE_API_TOKEN", "SOPS_AGE_KEY"} & set(env)


def test_exec_keeps_the_exit_code_and_refuses_production_to_an_agent(fleet: SecretFleet) -> None:
    fleet.done("secrets", "exec", "--with", "API_KEY", "--", "sh", "-c", "exit 7", code=7)
    words = ("secrets", "exec", "--with", "API_KEY", "--env", "production", "--", "env")
    fleet.done(*words, code=3, GEMINI_CLI="1")
    assert "say which secrets" in fleet.done("secrets", "exec", "--", "env", code=2).err


def test_import_takes_the_declared_ones_and_says_why_not_the_others(make: Callable[..., SecretFleet]) -> None:
    fleet = make(filled=False)
    (fleet.root / ".dev.vars").write_text(f'API_KEY="{GOOD}"\nWATCH_KEY=todo\nSTRAY=something\nEMPTY=\n')
    ran = fleet.done("secrets", "import", ".dev.vars", code=1)
    assert "imported: API_KEY" in ran.out
    assert "WATCH_KEY its value is a placeholder" in ran.out
    assert "STRAY is in no list of [secrets]" in ran.out
    assert fleet.value("API_KEY") == GOOD
    assert GOOD not in ran.said


def test_import_from_the_plain_store_moves_a_fleet_over(make: Callable[..., SecretFleet]) -> None:
    fleet = make(filled=False)
    plain = fleet.root / "secrets" / "staging.env"
    plain.touch(0o600)
    plain.write_text(f"API_KEY={GOOD}\nWATCH_KEY={GOOD}-2\nHOOK_SECRET={GOOD}-3\n")
    assert "still holds them in plain text" in fleet.done("secrets", "import", "--from", "dotenv").out
    assert fleet.value("WATCH_KEY") == f"{GOOD}-2"


def test_import_from_infisical_moves_a_fleet_to_files_in_git(make: Callable[..., SecretFleet], infisical: str) -> None:
    theirs = f'\n[secrets.infisical]\nurl = "{infisical}"\nproject = "p-1"\n'
    fleet = make(SETTINGS.replace("[secrets.about", f"{theirs}\n[secrets.about"), filled=False)
    where = load(fleet.root).secrets.infisical
    person = {CLIENT_ID: "person", CLIENT_SECRET: "all"}
    values = {"API_KEY": Secret(GOOD), "HOOK_SECRET": Secret(f"{GOOD}-2"), "STRAY": Secret(f"{GOOD}-3")}
    InfisicalStore(where, Environment.PRODUCTION, person).change(values, NOW)
    words = ("secrets", "import", "--from", "infisical", "--env", "production")
    assert "imported: API_KEY, HOOK_SECRET" in fleet.done(*words, code=1, **person).out
    assert fleet.value("HOOK_SECRET", "production") == f"{GOOD}-2"
    staging_only = {CLIENT_ID: "machine", CLIENT_SECRET: "staging"}
    assert "CG-CREDENTIAL" in fleet.done(*words, code=2, **staging_only).err


def test_a_machine_opens_staging_and_not_production(fleet: SecretFleet) -> None:
    fleet.done("secrets", "recipients", "add", fleet.machine.public, "--name", "machine")
    fleet.done("secrets", "exec", "--with", "API_KEY", "--", "true", who=fleet.machine)
    words = ("secrets", "exec", "--with", "API_KEY", "--env", "production", "--", "true")
    ran = fleet.done(*words, who=fleet.machine, code=2)
    assert "none of the keys on this machine opens it" in ran.err
    assert "closed here" in fleet.done("secrets", "list", who=fleet.machine).out


def test_removing_somebody_names_every_secret_that_they_have_read(fleet: SecretFleet) -> None:
    fleet.done("secrets", "recipients", "add", fleet.machine.public, "--name", "machine")
    said = fleet.done("secrets", "recipients", "remove", "machine").out
    assert "They have read what was in it" in said
    assert "cattlegrid secrets rotate API_KEY --env staging" in said
    fleet.done("secrets", "exec", "--with", "API_KEY", "--", "true", who=fleet.machine, code=2)


def test_every_write_says_who_can_read_it(fleet: SecretFleet) -> None:
    fleet.done("secrets", "recipients", "add", fleet.machine.public, "--name", "the machine")
    said = fleet.done("secrets", "set", "API_KEY", input=f"{GOOD}-again").out
    assert "can be read by Ann, the machine" in said


def test_an_identity_is_written_for_its_owner_alone_and_never_over_another(fleet: SecretFleet) -> None:
    file = fleet.root.parent / "new" / "keys.txt"
    said = fleet.done("secrets", "identity", "--out", str(file)).out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = file.read_text().splitlines()[1]
    assert secret.startswith("AGE-SECRET-KEY-1")
    assert secret not in said
    assert "is there already" in fleet.done("secrets", "identity", "--out", str(file), code=3).err


def test_check_passes_where_nothing_is_wrong(fleet: SecretFleet) -> None:
    assert "✓ pass" in fleet.done("secrets", "check", "--offline").out


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("workers/api/src/index.js", "env.HOOK_SECRET", "env.OTHER_SECRET", "in no list of [secrets]: OTHER_SECRET"),
        ("cattlegrid.toml", "shared = [", 'shared = ["SPARE", ', "SPARE is used  neither code nor config names it"),
        ("cattlegrid.toml", "shared = [", 'shared = ["SPARE", ', "SPARE in staging  is missing in secrets/staging"),
        ("cattlegrid.toml", 'isolated = ["API_KEY", ', "isolated = [", "in no list of staging: API_KEY"),
        ("cattlegrid.toml", "previous =", 'form = "hex"\nprevious =', "API_KEY in staging  its value is not hex"),
        ("cattlegrid.toml", "previous =", 'prefix = "ck_"\nprevious =', "does not begin with 'ck_'"),
        ("cattlegrid.toml", "previous =", 'max-age = "1ms"\nprevious =', "0 days old; next: cattlegrid secrets rotate"),
    ],
)  # fmt: skip
def test_check_names_the_gap(fleet: SecretFleet, file: str, old: str, new: str, said: str) -> None:
    text = (fleet.root / file).read_text()
    assert old in text
    text = text.replace('auth.secret = "API_KEY"\n', "") if "API_KEY" in old else text
    text = text.split("[secrets.about")[0] if "isolated" in old else text
    (fleet.root / file).write_text(text.replace(old, new))
    shown = fleet.done("secrets", "check", "--offline", code=1).out
    assert said in _squeezed(shown)


def _squeezed(text: str) -> str:
    return "\n".join("  ".join(part.strip() for part in line.split("  ") if part.strip()) for line in text.splitlines())


def test_check_finds_one_value_under_two_names(fleet: SecretFleet) -> None:
    fleet.ann.store(fleet.root, Environment.PRODUCTION).change({"WATCH_KEY": Secret(fleet.value("API_KEY"))}, NOW)
    said = fleet.done("secrets", "check", "--offline", code=1).out
    assert "one value under API_KEY of staging, WATCH_KEY of production" in said


def test_check_without_the_key_is_not_measured(fleet: SecretFleet) -> None:
    assert "? not measured" in fleet.done("secrets", "check", "--offline", who=fleet.machine, code=4).out


def test_scan_finds_a_value_in_history_a_log_and_a_bundle_and_never_shows_it(fleet: SecretFleet) -> None:
    value, production = fleet.value("API_KEY"), fleet.value("API_KEY", "production")
    fleet.done("secrets", "scan")
    fleet.clone.commit({"notes.md": f"\nthe key is {value}\n"}, "oops")
    fleet.clone.git("rm", "--quiet", "notes.md")
    fleet.clone.commit(message="mended")
    (fleet.root / ".wrangler").mkdir()
    (fleet.root / ".wrangler" / "bundle.js").write_text(f"const body = {json.dumps({'key': production})};")
    (fleet.root / "agent.log").write_text(f"GET /?key={production}\nghp_{'a' * 36}\n")
    ran = fleet.done("secrets", "scan", code=1)
    lines = ran.out.splitlines()
    assert any(line.startswith("  ✗ git blob") and "notes.md:2  API_KEY of staging" in line for line in lines)
    assert "  ✗ .wrangler/bundle.js:1  API_KEY of production" in lines
    assert "  ✗ agent.log:2  a GitHub token" in lines
    assert value not in ran.said
    assert production not in ran.said


def conflict(fleet: SecretFleet, ours: dict[str, str], theirs: dict[str, str]) -> None:
    """Two branches that each set these values of staging, and a merge that git cannot do."""
    fleet.clone.commit(message="secrets")
    fleet.clone.git("checkout", "--quiet", "-b", "theirs")
    for name, value in theirs.items():
        fleet.done("secrets", "set", name, input=value)
    fleet.clone.commit(message="theirs")
    fleet.clone.git("checkout", "--quiet", "main")
    for name, value in ours.items():
        fleet.done("secrets", "set", name, input=value)
    fleet.clone.commit(message="ours")
    with pytest.raises(Exception, match="merge"):
        fleet.clone.git("merge", "--quiet", "theirs")


def test_a_merge_conflict_is_resolved_name_by_name(fleet: SecretFleet) -> None:
    conflict(fleet, {"API_KEY": GOOD + "-ours"}, {"WATCH_KEY": GOOD + "-theirs"})
    ran = fleet.done("secrets", "exec", "--with", "API_KEY", "--", "true", code=1)
    assert "has a merge conflict in it" in ran.err
    said = fleet.done("secrets", "merge").out
    assert "from ours: API_KEY" in said
    assert "from theirs: WATCH_KEY" in said
    assert (fleet.value("API_KEY"), fleet.value("WATCH_KEY")) == (GOOD + "-ours", GOOD + "-theirs")


def test_a_name_that_both_sides_changed_is_chosen_by_a_person(fleet: SecretFleet) -> None:
    conflict(fleet, {"API_KEY": GOOD + "-ours"}, {"API_KEY": GOOD + "-theirs"})
    ran = fleet.done("secrets", "merge", code=3)
    assert "both sides changed API_KEY" in ran.err
    fleet.done("secrets", "merge", "--theirs", "API_KEY")
    assert fleet.value("API_KEY") == GOOD + "-theirs"


def test_aliases_hold_the_same_value_and_are_stored_once(make: Callable[..., SecretFleet]) -> None:
    fleet = make(SETTINGS + 'aliases = ["CRANE_API_KEY"]\n')
    fleet.done("secrets", "set", "CRANE_API_KEY", input=f"{GOOD}-aliased")
    assert fleet.value("API_KEY") == f"{GOOD}-aliased"
    ran = fleet.done("secrets", "exec", "--with", "CRANE_API_KEY", "--", "printenv", "CRANE_API_KEY")
    assert ran.out.strip() == f"{GOOD}-aliased"


def test_a_production_only_secret_is_refused_in_staging(make: Callable[..., SecretFleet]) -> None:
    fleet = make(SETTINGS.replace("[secrets]\n", '[secrets]\nproduction-only = ["PAYMENT_KEY"]\n'))
    ran = fleet.done("secrets", "set", "PAYMENT_KEY", input=GOOD, code=3)
    assert "PAYMENT_KEY is production-only: it must not exist in staging" in ran.err
    fleet.done("secrets", "set", "PAYMENT_KEY", "--env", "production", input=GOOD)
