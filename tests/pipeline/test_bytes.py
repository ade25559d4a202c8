"""What crosses is what staging ran: no script of the repository runs, no other bytes, no plan that was overtaken."""

from __future__ import annotations

import json
import subprocess

import pytest
from standing import Standing

from cattlegrid.cloudflare import deployments
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import StalePlan
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account
from cattlegrid.toolchain import Toolchain
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.promote import PromoteOptions, promote

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_no_script_of_the_candidate_runs_in_a_promotion(alpha: Standing) -> None:
    ran = alpha.root.parent / "ran"
    hooks = ("preinstall", "install", "postinstall", "prepare", "prebuild", "build", "predeploy", "deploy")
    config = json.loads((alpha.root / "workers/alpha/wrangler.jsonc").read_text())
    config["build"] = {"command": f"touch {ran}"}
    package = json.dumps({"name": "alpha", "private": True, "scripts": dict.fromkeys(hooks, f"touch {ran}")})
    hostile = {"workers/alpha/wrangler.jsonc": json.dumps(config)}
    alpha.clone.commit(hostile | dict.fromkeys(("package.json", "workers/alpha/package.json"), package))
    alpha.done("deploy")
    assert ran.exists(), "it runs where it may: in staging's build"
    ran.unlink()
    assert alpha.promote().code == 0
    alpha.change("alpha", "second")
    alpha.done("deploy")
    ran.unlink()
    promoted = alpha.promote()
    assert promoted.code == 0, promoted.said
    assert alpha.word("alpha", "production") == "second"
    assert not ran.exists()


def test_other_bytes_than_the_stamped_ones_and_a_plan_that_was_overtaken_are_refused(
    alpha: Standing, node_parts: Toolchain
) -> None:
    alpha.done("deploy")
    script, message = alpha.script("alpha"), alpha.message("alpha")
    old = ((alpha.live("alpha")[0][0], 100.0),)
    alpha.change("alpha", "second")
    alpha.done("deploy")
    release = str(alpha.run("promote", "--dry-run", "--json").json["plan"]["release"])
    account = Account(alpha.cloud.base_url, alpha.cloud.account, Secret(alpha.cloud.token))

    def overtake(event: Event) -> None:
        """Somebody goes back in staging once it has been smoked for this promotion."""
        if (event.phase, event.step, event.environment) == (Phase.FINISHED, "smoke", Environment.STAGING):
            with Client(account) as client:
                deployments.create(client, script, old, message)

    with pytest.raises(StalePlan, match="staging has moved since the plan was made"):
        promote(Edge(alpha.root, alpha.environ), PromoteOptions(release=release), tell=overtake)
    assert alpha.live("alpha", "production") == []

    alpha.clone.write({"workers/alpha/src/word.js": 'export default "not what it says";\n'})
    environ = {**alpha.environ, "HOME": str(alpha.root.parent), "WRANGLER_SEND_METRICS": "false"}
    argv = [*node_parts.wrangler, "deploy", "--env=", "--message", message, "--tag", message.split()[1][:12]]
    subprocess.run(argv, cwd=alpha.root / "workers/alpha", env=environ, check=True, capture_output=True)
    alpha.clone.git("checkout", "--quiet", ".")
    refused = alpha.promote()
    assert refused.code == 3
    assert "bytes: fail" in refused.err
    assert alpha.live("alpha", "production") == []
