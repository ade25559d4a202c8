"""Approvals: real signatures by the real ssh-keygen, judged by the rules in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cattlegrid.errors import Refused
from cattlegrid.model.check import Check, Outcome
from cattlegrid.release.gate import judge, people
from cattlegrid.release.gate.judge import Case
from cattlegrid.release.gate.manifest import Manifest, Piece
from people import ENVIRON, MANIFEST, NOW, Kind, Person, case, person, rules


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("ann"), "ann")


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("eve"), "eve")


def verdict(judged: Case) -> Check:
    (check,) = judge.approval(judged)
    return check


def test_a_signature_of_an_approver_opens_the_gate_and_names_them(ann: Person) -> None:
    check = verdict(case(rules(ann.approver()), ann.approves()))
    assert (check.outcome, check.detail) == (Outcome.PASS, "signed by ann until 2026-11-26 20:00 UTC")


def test_without_an_approval_the_gate_stays_closed_and_says_what_to_type(ann: Person) -> None:
    check = verdict(case(rules(ann.approver())))
    assert check.outcome is Outcome.FAIL
    assert check.detail == "0 approvals of 0123456789ab were found; cattlegrid approve gives one"


def test_one_approval_among_several_that_do_not_count_is_enough(ann: Person, eve: Person) -> None:
    assert verdict(case(rules(ann.approver()), eve.approves(), ann.approves())).outcome is Outcome.PASS


def test_an_expired_approval_does_not_count(ann: Person) -> None:
    check = verdict(case(rules(ann.approver()), ann.approves(expires=NOW - timedelta(seconds=1))))
    assert check.outcome is Outcome.FAIL
    assert "expired at 2026-11-25 19:59 UTC" in check.detail


def test_an_approval_without_an_end_does_not_count(ann: Person) -> None:
    assert "never expires" in verdict(case(rules(ann.approver()), ann.approves(expires=None))).detail


def test_an_approval_dated_an_hour_ahead_is_a_wrong_clock(ann: Person) -> None:
    check = verdict(case(rules(ann.approver()), ann.approves(at=NOW + timedelta(hours=1))))
    assert "a clock is wrong" in check.detail


@pytest.mark.parametrize("changed", ["commit", "code", "config", "schema"])
def test_an_approval_of_other_content_does_not_count_and_names_the_worker(ann: Person, changed: str) -> None:
    other = Manifest("crane", "production", MANIFEST.name, {"context": replace(_piece(), **{changed: "0" * 40})})
    check = verdict(case(rules(ann.approver()), ann.approves(other)))
    assert check.outcome is Outcome.FAIL
    assert "given to other content: context" in check.detail


def _piece() -> Piece:
    return MANIFEST.workers["context"]


def test_a_document_changed_after_it_was_signed_does_not_count(ann: Person) -> None:
    record = ann.approves()
    forged = replace(record, document=record.document.replace(b"2026-11-26", b"2036-11-26"))
    check = verdict(case(rules(ann.approver()), forged))
    assert check.outcome is Outcome.FAIL
    assert "does not count" in check.detail


def test_an_approval_without_a_signature_does_not_count(ann: Person) -> None:
    assert "it is not signed" in verdict(case(rules(ann.approver()), ann.approves(signed=False))).detail


def test_an_unknown_key_does_not_count_and_is_named_by_its_fingerprint(ann: Person, eve: Person) -> None:
    detail = verdict(case(rules(ann.approver()), eve.approves())).detail
    assert "a key that nobody among the approvers has" in detail
    assert "SHA256:" in detail


def test_a_key_that_only_the_candidate_names_does_not_count_and_is_told_apart(ann: Person, eve: Person) -> None:
    judged = case(rules(ann.approver()), eve.approves(), newer=(rules(ann.approver(), eve.approver()),))
    check = verdict(judged)
    assert check.outcome is Outcome.FAIL
    assert "only in newer settings, not in production's" in check.detail


def test_a_key_that_production_revoked_does_not_count(ann: Person) -> None:
    check = verdict(case(rules(ann.approver(revoked=(ann.public,))), ann.approves()))
    assert check.outcome is Outcome.FAIL
    assert "revoked" in check.detail


def test_a_key_that_newer_settings_revoke_does_not_count_before_production_runs_them(ann: Person) -> None:
    judged = case(rules(ann.approver()), ann.approves(), newer=(rules(ann.approver(revoked=(ann.public,))),))
    assert verdict(judged).outcome is Outcome.FAIL


def test_a_signature_in_another_namespace_does_not_count(ann: Person, tmp_path: Path) -> None:
    record = ann.approves()
    in_git = _signed_in("git", record.document, ann)
    assert verdict(case(rules(ann.approver()), replace(record, signature=in_git))).outcome is Outcome.FAIL


def _signed_in(namespace: str, document: bytes, who: Person) -> bytes:
    import subprocess  # noqa: PLC0415 - only this test signs by hand

    argv = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", who.key]
    return subprocess.run(argv, input=document, env=ENVIRON, capture_output=True, check=True).stdout


def test_an_author_of_the_release_may_not_approve_it_when_the_rule_says_so(ann: Person, eve: Person) -> None:
    strict = rules(ann.approver("Ann@example.com"), eve.approver("eve@example.com"), self_approval=False)
    authors = frozenset({"ann@example.com"})
    assert "is an author of the release" in verdict(case(strict, ann.approves(), authors=authors)).detail
    assert verdict(case(strict, eve.approves(), authors=authors)).outcome is Outcome.PASS


def test_authors_that_cannot_be_told_keep_the_gate_closed(ann: Person) -> None:
    strict = rules(ann.approver("ann@example.com"), self_approval=False)
    assert "cannot be told" in verdict(case(strict, ann.approves(), authors=None)).detail


def test_a_line_of_an_allowed_signers_file_with_a_past_end_does_not_count(ann: Person) -> None:
    line = f'ann@example.com valid-before="20200101" {ann.public}'
    assert verdict(case(rules(signers=(line,)), ann.approves())).outcome is Outcome.FAIL
    assert verdict(case(rules(signers=(f"ann@example.com {ann.public}",)), ann.approves())).outcome is Outcome.PASS


def test_a_name_of_signs_stands_for_itself_and_not_for_everybody(ann: Person, eve: Person) -> None:
    star = replace(ann.approver(), name="*,eve")
    assert verdict(case(rules(star), eve.approves())).outcome is Outcome.FAIL
    assert verdict(case(rules(star), ann.approves())).outcome is Outcome.PASS


def test_approval_by_a_person_needs_one(ann: Person) -> None:
    asked = rules(approval="person")
    assert verdict(case(asked, ann.approves())).outcome is Outcome.FAIL
    assert verdict(case(asked, person="ann at a terminal")).outcome is Outcome.PASS


def test_rules_without_approval_ask_for_none(ann: Person) -> None:
    assert judge.approval(case(rules(approval=None, gate=()))) == ()


@pytest.mark.parametrize("program", ["claude", "codex", "gemini", "opencode"])
def test_an_agent_s_process_tree_may_not_approve(program: str) -> None:
    with pytest.raises(Refused, match=f"it was started by {program}"):
        people.refuse_agent("approve", ("bash", "node", program), {})


def test_an_agent_s_variable_is_enough_to_refuse() -> None:
    with pytest.raises(Refused, match="CLAUDECODE is set"):
        people.refuse_agent("approve", ("bash", "sshd"), {"CLAUDECODE": "1"})


@pytest.mark.parametrize(
    ("environ", "terminal", "known"),
    [
        ({"USER": "ann"}, True, "ann at a terminal"),
        ({"USER": "ann"}, False, ""),
        ({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}, True, ""),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_ACTOR": "ann"},
            False,
            "ann started this run on GitHub by hand",
        ),
        ({"USER": "ann", "CURSOR_AGENT": "1"}, True, ""),
    ],
)
def test_a_person_is_known_by_a_terminal_or_a_run_started_by_hand(
    environ: dict[str, str], terminal: bool, known: str
) -> None:
    assert people.at_work((), environ, terminal=terminal) == known


def test_a_person_is_not_known_in_an_agent_s_process_tree() -> None:
    assert people.at_work(("zsh", "claude"), {"USER": "ann"}, terminal=True) == ""


def test_an_approval_for_another_fleet_is_not_looked_at(ann: Person) -> None:
    elsewhere = replace(ann.approves(), fleet="heron")
    assert "0 approvals" in verdict(case(rules(ann.approver()), elsewhere)).detail


def test_a_signed_lift_is_no_approval(ann: Person) -> None:
    lift = ann.says(Kind.LIFT, MANIFEST.name)
    assert "0 approvals" in verdict(case(rules(ann.approver()), lift)).detail
