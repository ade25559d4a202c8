"""Whose rules are in force, read from real git repositories; and records that travel through a real remote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import people
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import ConfigError, Refused
from cattlegrid.model.check import Outcome
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account
from cattlegrid.release.gate import evaluate, judge, records, rules
from cattlegrid.release.gate.evaluate import Said
from cattlegrid.release.gate.manifest import Grounds
from cattlegrid.release.gate.rules import Rules
from people import NOW, Kind, person
from repositories import FLEET, Clone, clone_of, fleet

STRICT = '{0}\n[environments.production]\ngate = ["approval"]\napproval = "signature"\nsoak = "10m"\n'
APPROVER = '[approvers.{0}]\nkeys = ["{1}"]\n'


def settings(*approvers: str, strict: str = STRICT) -> str:
    return strict.format(FLEET) + "".join(approvers)


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> str:
    return APPROVER.format("ann", person(tmp_path_factory.mktemp("keys"), "ann").public)


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> str:
    return APPROVER.format("eve", person(tmp_path_factory.mktemp("keys"), "eve").public)


def in_force(clone: Clone, production: list[str], candidate: list[str], into: Path) -> Rules:
    return rules.in_force(clone.repository(), clone.root, production, candidate, into)


def test_a_candidate_that_weakens_the_gate_is_judged_by_the_old_rules(tmp_path: Path, ann: str) -> None:
    clone = fleet(tmp_path / "r", settings=settings(ann))
    old = clone.git("rev-parse", "HEAD")
    weak = "{0}[environments.production]\ngate = []\n"
    new = clone.commit({"cattlegrid.toml": settings(strict=weak)})
    found = in_force(clone, [old[:16]], [new[:16]], tmp_path / "into")
    assert (found.commits, found.approval, found.soak) == ((old,), "signature", 600.0)


def test_a_candidate_that_adds_itself_as_an_approver_does_not_sign(tmp_path: Path, ann: str, eve: str) -> None:
    clone = fleet(tmp_path / "r", settings=settings(ann))
    old = clone.git("rev-parse", "HEAD")
    new = clone.commit({"cattlegrid.toml": settings(ann, eve)})
    assert [one.name for one in in_force(clone, [old], [new], tmp_path / "into").approvers] == ["ann"]


def test_a_candidate_that_deletes_the_section_is_judged_by_the_old_rules(tmp_path: Path, ann: str) -> None:
    clone = fleet(tmp_path / "r", settings=settings(ann))
    old = clone.git("rev-parse", "HEAD")
    new = clone.commit({"cattlegrid.toml": FLEET})
    assert in_force(clone, [old], [new], tmp_path / "into").gate == ("approval",)


def test_once_production_runs_it_a_new_rule_is_in_force(tmp_path: Path, ann: str) -> None:
    clone = fleet(tmp_path / "r")
    old = clone.git("rev-parse", "HEAD")
    new = clone.commit({"cattlegrid.toml": settings(ann)})
    assert in_force(clone, [old, new], [new], tmp_path / "into").approval == "signature"


def test_two_branches_that_never_met_are_judged_by_the_stricter_of_both(tmp_path: Path, ann: str, eve: str) -> None:
    clone = fleet(tmp_path / "r")
    clone.git("checkout", "--quiet", "-b", "hotfix")
    hotfix = clone.commit({"cattlegrid.toml": settings(ann)})
    clone.git("checkout", "--quiet", "main")
    main = clone.commit({"cattlegrid.toml": settings(ann, eve).replace("10m", "20m")})
    found = in_force(clone, [hotfix, main], [main], tmp_path / "into")
    assert (found.soak, [one.name for one in found.approvers]) == (1200.0, ["ann"])


def test_the_first_promotion_goes_by_the_candidate_s_own_rules_and_says_so(tmp_path: Path, ann: str) -> None:
    clone = fleet(tmp_path / "r", settings=settings(ann))
    head = clone.git("rev-parse", "HEAD")
    found = in_force(clone, [], [head], tmp_path / "into")
    assert found.first
    assert (
        found.described()
        == f"a signature by ann, 600 s in staging; from commit {head[:12]}, as production runs nothing yet"
    )


def test_in_a_shallow_clone_production_s_commit_is_fetched(tmp_path: Path, ann: str) -> None:
    origin = fleet(tmp_path / "origin", settings=settings(ann))
    old = origin.git("rev-parse", "HEAD")
    origin.git("config", "uploadpack.allowFilter", "true")
    new = origin.commit({"cattlegrid.toml": FLEET})
    clone = clone_of(origin, tmp_path / "clone", "--depth", "1")
    assert in_force(clone, [old[:16]], [new[:16]], tmp_path / "into").approval == "signature"


def test_a_commit_that_is_nowhere_refuses(tmp_path: Path) -> None:
    clone = fleet(tmp_path / "r")
    with pytest.raises(Refused, match="is not in this clone"):
        in_force(clone, ["f" * 16], [clone.git("rev-parse", "HEAD")], tmp_path / "into")


def test_an_allowed_signers_file_comes_from_production_s_commit(tmp_path: Path) -> None:
    signers = settings(strict=STRICT + 'signers = "signers"\n')
    clone = fleet(tmp_path / "r", {"signers": "ann@example.com ssh-ed25519 AAAA\n"}, settings=signers)
    old = clone.git("rev-parse", "HEAD")
    new = clone.commit({"signers": "eve@example.com ssh-ed25519 AAAA\n"})
    assert in_force(clone, [old], [new], tmp_path / "into").signers == ("ann@example.com ssh-ed25519 AAAA\n",)


def test_signatures_that_nobody_could_give_are_a_mistake(tmp_path: Path) -> None:
    clone = fleet(tmp_path / "r", settings=settings())
    with pytest.raises(ConfigError, match=r"environments\.production\.approval: nobody could sign"):
        in_force(clone, [clone.git("rev-parse", "HEAD")], [], tmp_path / "into")


def said(kind: Kind, name: str, reason: str = "") -> records.Said:
    return records.Said(kind, name, "crane", "ann", NOW, reason=reason)


def test_a_record_reaches_another_clone_through_the_remote(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    here, there = (clone_of(origin, tmp_path / name).repository() for name in ("here", "there"))
    record = records.write(here, said(Kind.HOLD, "production", "holidays"), b"")
    assert records.share(here, record) == "origin"
    (found,) = records.read(there).of(Kind.HOLD)
    assert (found.id, found.reason, found.by) == (record.id, "holidays", "ann")


def test_two_people_who_say_something_at_once_do_not_overwrite_each_other(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    for name in ("one", "two"):
        clone = clone_of(origin, tmp_path / name).repository()
        records.share(clone, records.write(clone, said(Kind.REJECT, "0123456789ab", name), b""))
    third = clone_of(origin, tmp_path / "three").repository()
    assert {one.reason for one in records.read(third).of(Kind.REJECT)} == {"one", "two"}


def test_a_hold_that_was_deleted_from_the_remote_still_holds_where_it_was_seen(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    clone = clone_of(origin, tmp_path / "clone").repository()
    record = records.write(clone, said(Kind.HOLD, "production"), b"")
    records.share(clone, record)
    origin.git("update-ref", "-d", record.ref)
    assert records.read(clone).of(Kind.HOLD)


def test_a_ref_that_was_forced_to_something_else_is_read_as_a_hold(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    origin.git("update-ref", "refs/cattlegrid/hold/production/abc", "HEAD")
    origin.git("update-ref", "refs/cattlegrid/strange", "HEAD")
    found = records.read(clone_of(origin, tmp_path / "clone").repository()).of(Kind.HOLD)
    assert [one.problem.split(":")[0] for one in found] == ["it cannot be read"] * 2


def test_a_remote_that_does_not_answer_is_reported_and_what_is_here_is_read(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    clone = clone_of(origin, tmp_path / "clone")
    records.write(clone.repository(), said(Kind.HOLD, "production"), b"")
    clone.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    found = records.read(clone.repository())
    assert len(found.of(Kind.HOLD)) == 1
    assert "could not be fetched" in found.unread


def test_rules_cannot_be_named_once_production_runs_something(tmp_path: Path) -> None:
    clone = fleet(tmp_path / "r")
    head = clone.git("rev-parse", "HEAD")
    account = Account("http://127.0.0.1:9", "a", Secret("t"))
    with Client(account) as client:
        grounds = Grounds(clone.repository(), clone.root, client, (), {}, {}, tmp_path / "into")
        with pytest.raises(Refused, match="its rules are in force, and no others can be named"):
            evaluate.read(grounds, (head[:16],), Said(rules=head), NOW, {})
        named = evaluate.read(grounds, (), Said(rules=head), NOW, {})
    assert (named.rules.first, named.rules.commits) == (True, (head,))


def test_an_approval_whose_ref_was_forced_to_another_release_s_does_not_count_any_more(tmp_path: Path) -> None:
    origin = fleet(tmp_path / "origin")
    clone = clone_of(origin, tmp_path / "clone").repository()
    mine, other = (
        records.write(clone, replace(said(Kind.APPROVE, name), release={"of": name}), b"signature")
        for name in ("0123456789ab", "ba9876543210")
    )
    for record in (mine, other):
        records.share(clone, record)
    origin.git("update-ref", mine.ref, other.ref)
    (found,) = records.read(clone).of(Kind.APPROVE, mine.name)
    assert found.problem == "it cannot be read: it lies under another name than its own"
    (refused,) = judge.approval(people.case(people.rules(), found))
    assert refused.outcome is Outcome.FAIL
