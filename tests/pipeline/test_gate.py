"""The gate from end to end: rules from production's commit, real signatures, holds, and roll backs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from standing import Standing

from cattlegrid.verbs.approve import Approval, ApproveOptions, approve
from cattlegrid.verbs.edge import Edge
from people import Person, person

pytestmark = pytest.mark.slow

RULES = '\n[environments.production]\ngate = ["approval"]\napproval = "signature"\n'


@pytest.fixture(scope="session")
def ann(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("ann"), "ann")


@pytest.fixture(scope="session")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("eve"), "eve")


def settings(fleet: Standing, *approvers: Person, rules: str = RULES) -> str:
    own = (fleet.root / "cattlegrid.toml").read_text().partition("\n[environments")[0]
    return own + rules + "".join(f'[approvers.{one.name}]\nkeys = ["{one.public}"]\n' for one in approvers)


def signs(fleet: Standing, who: Person) -> Approval:
    """What `cattlegrid approve` does once a person at a terminal has said yes, outside of any agent's process tree."""
    options = ApproveOptions(key=who.key)
    return approve(Edge(fleet.root, fleet.environ), options, lambda _: True, programs=("bash", "sshd"))


def candidate(fleet: Standing, word: str, files: dict[str, str] | None = None) -> str:
    """Deploy a change to staging; the release's name."""
    fleet.clone.commit({"workers/alpha/src/word.js": f'export default "{word}";\n', **(files or {})}, word)
    fleet.done("deploy")
    return str(fleet.run("promote", "--dry-run", "--json").json["plan"]["release"])


@pytest.fixture
def guarded(alpha: Standing, ann: Person) -> Standing:
    """Production runs a commit whose rules ask for ann's signature, which the first promotion needed already."""
    release = candidate(alpha, "guarded", {"cattlegrid.toml": settings(alpha, ann)})
    assert f"0 approvals of {release} were found" in alpha.run("promote", "--release", release).err
    approval = signs(alpha, ann)
    alpha.done("promote", "--release", release)
    [newest, *_] = alpha.done("history", "--env", "production", "--json").json["entries"]
    assert re.fullmatch(rf"ann \(SHA256:.*, {approval.record.id}\)", newest["approval"])
    return alpha


def test_production_opens_for_a_person_s_signature_and_for_nothing_less(
    guarded: Standing, ann: Person, eve: Person, tmp_path: Path
) -> None:
    release = candidate(guarded, "second")
    refused = guarded.run("promote", "--release", release)
    assert (refused.code, guarded.word("alpha", "production")) == (3, "guarded")
    assert f"approval: fail: 0 approvals of {release} were found" in refused.err
    unknown = guarded.run("approve", "--release", release, "--key", str(eve.key))
    assert unknown.code == 3
    assert "this approval would not count" in unknown.err
    agent = tmp_path / "claude"
    typed = f"{sys.executable} -m cattlegrid approve --release {release} --key {ann.key}"
    agent.write_text(f"#!/bin/sh\n{typed}\nexit $?\n")
    agent.chmod(0o755)
    ran = subprocess.run([agent], cwd=guarded.root, env=guarded.environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert "it was started by claude" in ran.stderr
    assert guarded.clone.git("for-each-ref", f"refs/cattlegrid/approve/{release}") == ""
    assert signs(guarded, ann).record.name == release
    guarded.done("promote", "--release", release)
    assert guarded.word("alpha", "production") == "second"


def test_a_candidate_is_judged_by_production_s_rules_and_by_what_people_said_of_it(
    guarded: Standing, ann: Person, eve: Person
) -> None:
    release = candidate(guarded, "weak", {"cattlegrid.toml": settings(guarded, ann, eve, rules="")})
    assert "gate: a signature by ann" in guarded.run("promote", "--dry-run").out
    by_eve = guarded.run("approve", "--release", release, "--key", str(eve.key))
    assert "only in newer settings, not in production's" in by_eve.err
    signs(guarded, ann)
    guarded.done("reject", release, "--reason", "it leaks")
    held = guarded.done("hold", "--reason", "holidays", "--json").json["record"]["id"]
    guarded.done("unhold", held, "--key", str(eve.key))
    refused = guarded.run("promote", "--release", release)
    assert refused.code == 3
    assert "it leaks" in refused.err
    assert "holidays" in refused.err
    assert "1 attempts to lift it are not signed by an approver" in refused.err
    guarded.done("unhold", held, "--key", str(ann.key))
    assert "holidays" not in guarded.run("promote", "--release", release).err
    assert guarded.word("alpha", "production") == "guarded"


@pytest.mark.timeout(400)
def test_three_bad_releases_and_three_roll_backs_end_at_the_good_one(alpha: Standing) -> None:
    alpha.done("promote", "--release", candidate(alpha, "good"))
    for bad in ("bad", "worse", "worst"):
        release = candidate(alpha, bad)
        alpha.done("promote", "--release", release)
        assert alpha.word("alpha", "production") == bad
        back = alpha.done("rollback", "--yes", "--json").json
        assert alpha.word("alpha", "production") == "good"
        held = back["plan"]["steps"][0]["held"]
        assert f"cattlegrid unhold {held} lifts that" in alpha.run("promote", "--release", release).err
        assert alpha.run("status", "--json").json["next"] == f"cattlegrid unhold {held}"
        assert "nothing to roll back" in alpha.done("rollback", "--yes").out
        alpha.done("unhold", held)


def test_a_roll_back_over_a_migration_is_refused_with_its_name_and_the_way_back(alpha: Standing) -> None:
    alpha.done("promote", "--release", candidate(alpha, "good"))
    size = {"workers/alpha/migrations/0003_size.sql": "ALTER TABLE things ADD COLUMN size INTEGER;\n"}
    alpha.done("promote", "--release", candidate(alpha, "new", size))
    refused = alpha.run("rollback", "--yes")
    assert refused.code == 3
    assert "has 0003_size.sql" in refused.err
    assert f"wrangler d1 time-travel restore {alpha.script('alpha', 'production')} --timestamp=" in refused.err
    assert alpha.word("alpha", "production") == "new"
    alpha.run("rollback", "--yes", "--keep-schema")
    assert alpha.word("alpha", "production") == "good"


def reading(fleet: Standing, column: str) -> dict[str, str]:
    """The Worker's code, which answers only when it can read this column."""
    file = fleet.root / "workers/alpha/src/index.js"
    asked = 'return env.DB.prepare("SELECT colour FROM things").all().then(() => new Response(word));'
    found = re.sub(r'(if \(path === "/word"\)) .*', rf"\1 {asked}", file.read_text())
    return {"workers/alpha/src/index.js": found.replace("SELECT colour", f"SELECT {column}")}


def test_a_migration_that_production_s_rows_do_not_survive_keeps_the_gate_closed(alpha: Standing) -> None:
    alpha.environ["MIRROR_KEY"] = "a key to mask with, of forty characters"
    asks = '\n[environments.production]\ngate = ["rehearsal"]\n[mirror.mask]\n"*.*" = "keep"\n'
    settled = {"cattlegrid.toml": settings(alpha, rules=asks), **reading(alpha, "colour")}
    release = candidate(alpha, "good", settled)
    alpha.done("promote", "--release", release)
    alpha.rows("INSERT INTO things (name) VALUES ('twice'), ('twice')", environment="production")
    unique = "CREATE UNIQUE INDEX things_name ON things (name);\nALTER TABLE things RENAME COLUMN colour TO hue;\n"
    files = {"workers/alpha/migrations/0003_unique.sql": unique, **reading(alpha, "hue")}
    release = candidate(alpha, "new", files)
    refused = alpha.run("promote", "--release", release)
    assert refused.code == 3
    assert "rehearsal: fail" in refused.err
    assert "UNIQUE constraint failed" in refused.err
    assert alpha.word("alpha", "production") == "good"
    alpha.rows("DELETE FROM things", environment="production")
    conditions = alpha.done("promote", "--release", release, "--json").json["plan"]["conditions"]
    (rehearsed,) = [one["detail"] for one in conditions if one["name"] == "rehearsal"]
    assert "not possible: alpha: GET /word with KEY → 200: status 500, not 200" in rehearsed
    assert alpha.word("alpha", "production") == "new"
    scripts = [one["id"] for one in alpha.cloud.result("GET", "/workers/scripts")]
    assert not [name for name in scripts if "-rehearsal-" in name]
