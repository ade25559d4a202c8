"""The parts that need neither files nor a cloud: digests, forms, what code uses, what the audit concludes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cattlegrid.errors import StoreError
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import About, SecretPolicy
from cattlegrid.model.secret import Secret
from cattlegrid.release.audit import AuditReport, condition
from cattlegrid.secrets import audit, digest, form, rotate, scan, uses
from cattlegrid.secrets.audit import Deployed, Side
from cattlegrid.secrets.digest import Manifest
from cattlegrid.secrets.rotate import Phase
from cattlegrid.secrets.sops import merge
from cattlegrid.secrets.store import Stored

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION
POLICY = SecretPolicy(isolated=("KEY",), shared=("HOOK",), production_only=("PAY",))
AUDIT = Secret("the-audit-key-of-both-stores")


def stored(environment: Environment, audit_key: Secret = AUDIT, closed: str = "", **values: str) -> Stored:
    own = {"AUDIT_KEY": audit_key, "OWN_KEY": Secret(f"own-key-of-{environment}")}
    held = {name: Secret(value) for name, value in values.items()}
    return Stored(environment, f"{environment}.json", held, frozenset(held), own, closed=closed)


def digests(environment: Environment, **values: str) -> Manifest:
    return digest.of(POLICY, stored(environment, **values))


def test_a_manifest_comes_back_from_the_variable_as_it_went() -> None:
    made = digests(STAGING, KEY="one", HOOK="two")
    binding = {"name": "CATTLEGRID_SECRETS", "type": "plain_text", "text": str(made)}
    assert digest.read([{"name": "KEY", "type": "secret_text"}, binding]) == made
    assert "one" not in str(made)


@pytest.mark.parametrize("text", ["", "1", "2 key KEY=00", "nonsense", "hello world KEY=1"])
def test_a_variable_that_is_no_manifest_of_ours_says_nothing(text: str) -> None:
    assert digest.parse(text) == digest.NOTHING


def test_equal_values_of_a_shared_name_have_equal_digests_in_both_environments_and_of_other_names_not() -> None:
    one, two = digests(STAGING, KEY="same", HOOK="same"), digests(PRODUCTION, KEY="same", HOOK="same", PAY="same")
    assert one.digests["HOOK"] == two.digests["HOOK"]
    assert len({*one.digests.values(), *two.digests.values()}) == 3


def test_a_push_keeps_the_digests_of_what_it_leaves_and_forgets_those_of_another_store() -> None:
    before = Manifest("k", {"KEY": "1", "HOOK": "2"})
    assert before.after(Manifest("k", {"KEY": "9", "HOOK": "8"}), ["KEY"]).digests == {"KEY": "9", "HOOK": "2"}
    assert before.after(Manifest("other", {"KEY": "9"}), ["KEY"]).digests == {"KEY": "9"}
    assert before.after(digest.NOTHING, ["KEY"], ["HOOK"]).digests == {}


def side(environment: Environment, held: Stored, *workers: Deployed) -> Side:
    return Side(environment, held, digest.of(POLICY, held), workers)


def outcomes(one: Side, two: Side) -> dict[str, Outcome]:
    return {check.name.split()[0]: check.outcome for check in audit.across(POLICY, (one, two))}


def test_isolated_values_that_are_equal_fail_and_shared_ones_that_differ_fail() -> None:
    one, two = stored(STAGING, KEY="same", HOOK="a"), stored(PRODUCTION, KEY="same", HOOK="b")
    assert outcomes(side(STAGING, one), side(PRODUCTION, two)) == {"KEY": Outcome.FAIL, "HOOK": Outcome.FAIL}


def test_a_store_that_is_closed_is_compared_by_the_workers_manifest() -> None:
    live = Deployed("api", ("KEY",), names=frozenset({"KEY"}), manifest=digests(PRODUCTION, KEY="same", HOOK="x"))
    one = side(STAGING, stored(STAGING, KEY="same", HOOK="x"))
    assert outcomes(one, side(PRODUCTION, Stored(PRODUCTION, "p", closed="no key"), live)) == {
        "KEY": Outcome.FAIL,
        "HOOK": Outcome.PASS,
    }


def test_digests_of_different_audit_keys_prove_nothing() -> None:
    other = digest.of(POLICY, stored(PRODUCTION, Secret("another-audit-key"), KEY="two", HOOK="x"))
    live = Deployed("api", ("KEY",), names=frozenset({"KEY"}), manifest=other)
    one = side(STAGING, stored(STAGING, KEY="one", HOOK="x"))
    seen = outcomes(one, side(PRODUCTION, Stored(PRODUCTION, "p", closed="no key"), live))
    assert seen == {"KEY": Outcome.NOT_MEASURED, "HOOK": Outcome.NOT_MEASURED}


def test_a_manifest_in_doubt_or_a_store_that_is_closed_is_never_a_pass() -> None:
    held, live = stored(STAGING, KEY="one"), digests(STAGING, KEY="one")
    names = frozenset({"KEY"})
    doubted = Deployed("api", ("KEY",), names=names, manifest=live, doubt="set by hand")
    assert [c.outcome for c in audit.deployed(side(STAGING, held, doubted))] == [Outcome.NOT_MEASURED, Outcome.PASS]
    seen = Deployed("api", ("KEY",), names=names, manifest=live)
    closed = side(STAGING, Stored(STAGING, "s", closed="no key"), seen)
    assert [c.outcome for c in audit.deployed(closed)] == [Outcome.NOT_MEASURED, Outcome.PASS]
    assert [c.outcome for c in audit.deployed(side(STAGING, held, seen))] == [Outcome.PASS, Outcome.PASS]


def test_the_gate_is_closed_by_what_the_audit_did_not_see_and_not_by_what_was_never_deployed() -> None:
    never = Check("secrets on production", Outcome.NOT_MEASURED, audit.NEVER_DEPLOYED, "api")
    good = Check("KEY differs between staging and production", Outcome.PASS)
    assert condition(AuditReport((good, never), 1, 1, 0)).outcome is Outcome.PASS
    unseen = Check("KEY on production", Outcome.NOT_MEASURED, "no key", "api")
    assert condition(AuditReport((good, unseen), 1, 1, 0)).outcome is Outcome.NOT_MEASURED
    assert condition(AuditReport((never,), 0, 0, 0)).outcome is Outcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("about", "good", "bad"),
    [
        (About(form="hex"), "00ff00ff00ff00ff", "not-hex-not-hex-not-hex"),
        (About(form="base64"), "aGVsbG8gd29ybGQhIQ==", "not*base64*not*base64"),
        (About(form="url"), "https://example.com/hook/1", "example.com/hook/without/scheme"),
        (About(form="json"), '{"type": "service_account"}', "{type: service_account}"),
        (
            About(form="pem"),
            "-----BEGIN PRIVATE KEY-----\nMIIB\nAAAA\n-----END PRIVATE KEY-----\n",
            "MIIBAAAAMIIBAAAAMIIB",
        ),
        (About(prefix="ck_"), "ck_0123456789abcdef", "sk_0123456789abcdef"),
        (About(pattern="[a-z]{20}"), "abcdefghijklmnopqrst", "ABCDEFGHIJKLMNOPQRST"),
        (About(min_length=24), "abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvw"),
    ],
)
def test_a_form_takes_what_has_it_and_names_what_has_not(about: About, good: str, bad: str) -> None:
    policy = SecretPolicy(shared=("HOOK",), about={"HOOK": about})
    assert form.problems(policy, "HOOK", Secret(good)) == ()
    [problem] = form.problems(policy, "HOOK", Secret(bad))
    assert bad not in problem


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("await check(request, env.API_KEY);", {"API_KEY"}),
        ('const key = env["API_KEY"];', {"API_KEY"}),
        ("const { API_KEY, DB: db } = env;", {"API_KEY"}),
        ("app.get('/', (c) => c.env.API_KEY)", {"API_KEY"}),
        ("process.env.API_KEY", {"API_KEY"}),
        ("self.env.API_KEY", {"API_KEY"}),
        ("// nothing of the kind: environment, envelope.API_KEY", set()),
    ],
)
def test_the_names_that_code_reads_from_its_environment_are_found(tmp_path: Path, code: str, names: set[str]) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "index.ts").write_text(code)
    (tmp_path / "src" / "index.test.ts").write_text("env.ONLY_IN_TESTS")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "lib.js").write_text("env.OF_A_LIBRARY")
    assert names <= uses.in_code(tmp_path) <= names | {"DB"}


def test_a_rotation_goes_through_its_steps_and_back_to_the_start() -> None:
    held = {"KEY": Secret("old-value"), "SLOT": Secret("new-value")}
    start = rotate.standing(Stored(STAGING, "s", held), "KEY", "SLOT")
    assert start.phase is Phase.START
    begun = rotate.begun(start, Secret("new-value"))
    mark = {name.removeprefix("CATTLEGRID_"): v for name, v in begun.items() if name.startswith("CATTLEGRID_") and v}
    accept = rotate.standing(Stored(STAGING, "s", held, own=mark), "KEY", "SLOT")
    assert accept.phase is Phase.ACCEPT
    assert rotate.switched(accept, held)["KEY"] == Secret("new-value")
    assert rotate.switched(accept, held)["SLOT"] == Secret("old-value")
    assert set(rotate.ended(accept).values()) == {None}


def test_a_rotation_whose_mark_and_values_do_not_fit_stops() -> None:
    mark = {"ROTATION_KEY": Secret("next step of the rotation: dance")}
    with pytest.raises(StoreError, match="do not fit"):
        rotate.standing(Stored(STAGING, "s", {"SLOT": Secret("x")}, own=mark), "KEY", "SLOT")


def test_a_scan_finds_each_form_of_a_value_and_each_kind_of_token() -> None:
    looking = scan.scanner({"KEY of staging": Secret('a"b/c+d=0123456789')})
    text = b'x a"b/c+d=0123456789\nx a\\"b/c+d=0123456789\nx a%22b%2Fc%2Bd%3D0123456789\nYSJiL2MrZD0wMTIzNDU2Nzg5\n'
    assert [found.line for found in looking.look("f", text)] == [1, 2, 3, 4]
    tokens = b"AKIAABCDEFGHIJKLMNOP\nsk-ant-" + b"a" * 40 + b"\nhello\n"
    assert {found.what for found in looking.look("f", tokens)} == {"an AWS access key", "an Anthropic key"}


def test_a_merge_takes_recipients_that_either_side_added_and_leaves_those_that_either_removed() -> None:
    def tree(*people: str) -> dict[str, object]:
        return {merge.RECIPIENTS: "\n".join(people), merge.OWN_KEY: "k"}

    result = merge.merged(tree("a", "b"), tree("a", "b", "c"), tree("a", "d"), {})
    assert result.tree[merge.RECIPIENTS] == "a\nc\nd"


def test_a_merge_with_a_file_that_was_made_anew_is_refused() -> None:
    ours, theirs = {"KEY": "1", merge.OWN_KEY: "k"}, {"KEY": "2", merge.OWN_KEY: "another"}
    with pytest.raises(StoreError, match="not the same store"):
        merge.merged(ours, ours, theirs, {})
