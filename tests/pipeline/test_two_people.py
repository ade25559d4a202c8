"""Two people, two clones: of two promotions at once one goes, a hold that comes meanwhile counts, and deploys tell."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from standing import Standing

from cattlegrid.cloudflare import deployments
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import StalePlan
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account
from cattlegrid.model.version import Deployment
from cattlegrid.release.promotion import turn
from repositories import clone_of, empty

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def two(alpha: Standing, tmp_path: Path) -> tuple[Standing, Standing]:
    """Ann and Bob, each with a clone of one remote. Production runs `first`, staging `second`."""
    remote = empty(tmp_path / "origin.git")
    alpha.clone.git("remote", "add", "origin", str(remote.root / ".git"))
    alpha.done("deploy")
    assert alpha.promote().code == 0
    alpha.change("alpha", "second")
    alpha.done("deploy")
    alpha.clone.git("push", "--quiet", "origin", "HEAD:refs/heads/trunk")
    clone = clone_of(alpha.clone, tmp_path / "bob")
    clone.git("remote", "set-url", "origin", str(remote.root / ".git"))
    (alpha.root / "secrets").rename(clone.root / "secrets")
    (alpha.root / "secrets").symlink_to(clone.root / "secrets")
    return alpha, replace(alpha, clone=clone, environ={**alpha.environ, "USER": "bob"}, said=[])


def release_of(standing: Standing) -> str:
    return str(standing.run("promote", "--dry-run", "--json").json["plan"]["release"])


def stopped_at_upload(standing: Standing, *words: str) -> subprocess.Popen[str]:
    """The command, stopped (SIGSTOP) while wrangler uploads to production."""
    fault = standing.cloud.arm("delay", method="POST", route="*/versions", seconds=1.0)
    program = standing.start(*words)
    while not standing.cloud.fault(fault)["hit"]:
        assert program.poll() is None, program.communicate()[0]
        time.sleep(0.01)
    os.kill(program.pid, signal.SIGSTOP)
    return program


def goes_on(standing: Standing, program: subprocess.Popen[str]) -> tuple[int, str]:
    os.kill(program.pid, signal.SIGCONT)
    said, _ = program.communicate(timeout=150)
    standing.said.append(said)
    return program.returncode, said


def test_a_hold_stops_a_promotion_under_way_and_nobody_promotes_into_another_s(two: tuple[Standing, Standing]) -> None:
    ann, bob = two
    before, release = ann.live("alpha", "production"), release_of(ann)
    program = stopped_at_upload(ann, "promote", "--release", release)
    held = bob.done("hold", "--reason", "holidays", "--json").json["record"]["id"]
    code, said = goes_on(ann, program)
    assert code == 1
    assert "the gate closed during the promotion: no hold: fail: hold" in said
    assert "holidays" in said
    assert "switched back: alpha" in said
    assert ann.live("alpha", "production") == before
    bob.done("unhold", held)

    ann.cloud.arm("delay", method="POST", route="*/deployments", skip=1, seconds=2.0)
    program = ann.start("promote", "--release", release)
    while len(ann.live("alpha", "production")) < 2:
        assert program.poll() is None
        time.sleep(0.01)
    program.send_signal(signal.SIGKILL)
    ann.said.append(program.communicate()[0])
    ann.cloud.disarm()
    refused = bob.run("promote", "--release", release)
    assert refused.code == 3
    assert f"another clone promotes release {release}: alpha is ahead since" in refused.err
    assert bob.word("alpha", "production") == "first"
    ann.done("promote", "--release", release)
    assert bob.word("alpha", "production") == "second"


def test_of_two_claims_at_once_the_second_gives_back_what_stood_there(alpha: Standing) -> None:
    alpha.done("deploy")
    script = alpha.script("alpha")
    mine, theirs = (f"cattlegrid/1 ahead {release * 12} by={release * 8}" for release in "ab")
    with _client(alpha) as client:
        over = deployments.read(client, script)[0]

        def stands(one: Deployment) -> bool:
            """It still stands when it is looked at, and the other one is just about to claim it."""
            if one.id == over.id and len(deployments.read(client, script)) == 1:
                deployments.create(client, script, over.traffic, theirs)
            return one.id == over.id

        with pytest.raises(StalePlan, match=f"somebody else moved it in production at .*: ahead {'b' * 12}"):
            turn.claim(client, script, over.traffic, mine, stands)
        assert deployments.read(client, script)[0].message == theirs
        deployments.create(client, script, over.traffic, "cattlegrid/1 held 0123456789ab")
        with pytest.raises(StalePlan, match="held 0123456789ab"):
            turn.claim(client, script, over.traffic, mine, stands)


def test_a_deploy_is_refused_when_staging_moved_under_its_plan_and_tells_whom_it_replaced(alpha: Standing) -> None:
    alpha.done("deploy")
    [(first, _)] = alpha.live("alpha")
    alpha.change("alpha", "second")
    alpha.done("deploy")
    [(second, _)] = alpha.live("alpha")
    alpha.change("alpha", "third")

    def somebody_else_goes_back_to(version: str, during: str) -> tuple[int, str]:
        fault = alpha.cloud.arm("delay", method="POST", route=during, seconds=2.0)
        program = alpha.start("deploy")
        while not alpha.cloud.fault(fault)["hit"]:
            assert program.poll() is None, program.communicate()[0]
            time.sleep(0.01)
        with _client(alpha) as client:
            deployments.create(client, alpha.script("alpha"), ((version, 100.0),), "Bob was here")
        said, _ = program.communicate(timeout=150)
        alpha.said.append(said)
        return program.returncode, said

    code, said = somebody_else_goes_back_to(first, during="*/query")
    assert code == 3
    assert "staging has moved since the plan was made: alpha went from" in said
    assert alpha.word("alpha") == "first"
    code, said = somebody_else_goes_back_to(second, during="*/versions")
    assert code == 1
    assert "after this plan was made (Bob was here): this deploy is live, and replaced theirs" in said
    assert alpha.word("alpha") == "third"


def _client(standing: Standing) -> Client:
    cloud = standing.cloud
    return Client(Account(cloud.base_url, cloud.account, Secret(cloud.token)))
