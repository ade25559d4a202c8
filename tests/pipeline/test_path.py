"""From a commit to production, as a person types it: changes, deploy, smoke, promote, status, history."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest
from standing import KEYS, MIGRATIONS, Standing

from cattlegrid.toolchain import Toolchain
from exhaustive import EXHAUSTIVE

pytestmark = pytest.mark.slow


def test_a_fleet_goes_to_staging_and_its_very_bytes_to_production(fleet: Standing) -> None:
    first = fleet.done("deploy").out
    assert "staging  smoke ✓ pass  2 workers, 2 databases" in first
    assert fleet.live("alpha", "production") == []
    fleet.change("alpha", "second")
    deployed = fleet.done("deploy", "--json").json
    assert [step["worker"] for wave in deployed["plan"]["waves"] for step in wave] == ["alpha"]
    assert deployed["smoke"]["checks"]

    promoted = fleet.promote()
    assert promoted.code == 0, promoted.said
    assert fleet.word("alpha", "production") == "second"
    assert fleet.message("alpha", "production").split("code=")[1][:12] in fleet.message("alpha")
    assert [row["name"] for row in fleet.rows("SELECT name FROM d1_migrations", "alpha", "production")] == [*MIGRATIONS]
    assert fleet.rows("SELECT value FROM _cattlegrid", "alpha", "production")[0]["value"] == "production"
    assert "nothing to promote" in fleet.done("promote").out

    fleet.change("beta", "third")
    fleet.done("deploy")
    before = fleet.live("beta", "production")
    ahead = fleet.promote()
    assert ahead.code == 0, ahead.said
    assert "smoke at 0 %" in ahead.out
    assert fleet.live("beta", "production") != before
    assert fleet.word("beta", "production") == "third"
    history = fleet.done("history", "beta", "--env", "production", "--json").json["entries"]
    assert [entry["stage"] for entry in history[:3]] == ["verified", "live", "ahead"]
    assert re.fullmatch(r"the gate \(\d\d? conditions\), smoke in production \(\d+ checks\)", history[0]["checks"])
    status = fleet.done("status", "--json").json
    assert all(worker["staging"]["code"] == worker["production"]["code"] for worker in status["workers"])
    assert status["next"] == ""


def test_production_gets_no_deploy_and_an_unknown_environment_is_an_error(alpha: Standing) -> None:
    refused = alpha.run("deploy", "--env", "production")
    assert (refused.code, refused.out) == (3, "")
    assert "next: cattlegrid promote" in refused.err
    for name in (" dev", "stagign", "Production", "prod", ""):
        wrong = alpha.run("deploy", "--env", name)
        assert wrong.code == 2
        assert "the environments are staging, production" in wrong.err
    assert alpha.live("alpha") == []


def test_a_second_deploy_finds_nothing_to_do_and_says_so(alpha: Standing) -> None:
    alpha.done("deploy")
    before = alpha.live("alpha")
    again = alpha.done("deploy")
    assert "nothing to deploy" in again.out
    assert alpha.live("alpha") == before
    assert "= alpha" in " ".join(alpha.done("changes").out.split())


def test_what_staging_does_not_pass_is_refused_and_production_stays(alpha: Standing) -> None:
    alpha.done("deploy")
    assert alpha.promote().code == 0
    before = alpha.live("alpha", "production")
    index = alpha.root / "workers/alpha/src/index.js"
    alpha.clone.commit({"workers/alpha/src/index.js": index.read_text().replace("_cattlegrid", "_catlegrid")})
    red = alpha.run("deploy")
    assert red.code == 1
    assert "no such table: _catlegrid" in red.out
    refused = alpha.promote()
    assert refused.code == 3
    assert "the gate is closed; nothing was changed" in refused.err
    assert alpha.live("alpha", "production") == before


def test_uncommitted_files_reach_staging_and_never_production(alpha: Standing) -> None:
    alpha.clone.write({"workers/alpha/src/word.js": 'export default "unsaved";\n'})
    assert alpha.run("deploy").code == 0
    assert alpha.word("alpha") == "unsaved"
    refused = alpha.run("promote", "--release", "000000000000")
    assert refused.code == 3
    assert "uncommitted files" in alpha.run("promote", "--dry-run").out


def test_what_passes_in_staging_and_fails_in_production_at_no_traffic_never_gets_any(alpha: Standing) -> None:
    alpha.done("deploy")
    assert alpha.promote().code == 0
    before = alpha.live("alpha", "production")
    index = (alpha.root / "workers/alpha/src/index.js").read_text()
    broken = index.replace('if (path === "/word")', 'if (path === "/word" && env.ENVIRONMENT === "staging")')
    alpha.clone.commit({"workers/alpha/src/index.js": broken})
    alpha.done("deploy")
    failed = alpha.promote()
    assert failed.code == 1
    assert "smoke at 0 % of production's traffic: fail" in failed.said
    assert alpha.live("alpha", "production") == before
    assert alpha.word("alpha", "production") == "first"


def test_what_fails_only_under_traffic_is_switched_back(alpha: Standing) -> None:
    alpha.done("deploy")
    assert alpha.promote().code == 0
    before = alpha.live("alpha", "production")
    index = (alpha.root / "workers/alpha/src/index.js").read_text()
    asked = 'request.headers.has("cloudflare-workers-version-overrides")'
    shy = f'if (path === "/word" && (env.ENVIRONMENT === "staging" || {asked}))'
    alpha.clone.commit({"workers/alpha/src/index.js": index.replace('if (path === "/word")', shy)})
    alpha.done("deploy")
    failed = alpha.promote()
    assert failed.code == 1
    assert "smoke after the switch: fail" in failed.said
    assert "switched back: alpha" in failed.said
    assert alpha.live("alpha", "production") == before
    assert alpha.word("alpha", "production") == "first"


def test_triggers_are_set_when_they_are_not_as_declared_and_left_alone_otherwise(alpha: Standing) -> None:
    alpha.done("deploy")
    assert alpha.promote().code == 0
    alpha.change("alpha", "second")
    alpha.done("deploy")
    assert "triggers" not in alpha.promote().out
    config = alpha.root / "workers/alpha/wrangler.jsonc"
    crons = json.loads(config.read_text())
    crons["env"]["production"]["triggers"] = {"crons": ["15 0 * * *"]}
    alpha.clone.commit({"workers/alpha/wrangler.jsonc": json.dumps(crons)})
    assert "its configuration differs" in alpha.done("changes").out
    alpha.done("deploy")
    assert "triggers" in alpha.promote().out
    path = f"/workers/scripts/{alpha.script('alpha', 'production')}/schedules"
    assert [one["cron"] for one in alpha.cloud.result("GET", path)["schedules"]] == ["15 0 * * *"]


def test_an_older_commit_is_refused_unless_it_is_meant(alpha: Standing) -> None:
    old = alpha.clone.git("rev-parse", "HEAD")
    alpha.change("alpha", "newer")
    alpha.done("deploy")
    alpha.clone.git("checkout", "--quiet", old)
    refused = alpha.run("deploy")
    assert refused.code == 3
    assert "CG-BACKWARDS" in refused.err
    assert alpha.word("alpha") == "newer"
    assert alpha.run("deploy", "--allow-rollback").code == 0
    assert alpha.word("alpha") == "first"


def test_of_two_deploys_at_once_one_is_refused_by_the_name_of_the_other(alpha: Standing) -> None:
    fault = alpha.cloud.arm("delay", method="PUT", seconds=8.0)
    first = alpha.start("deploy")
    while not alpha.cloud.fault(fault)["hit"]:
        assert first.poll() is None
    second = alpha.run("deploy")
    assert second.code == 3
    assert f"cattlegrid deploy by ann (process {first.pid}" in second.err
    said, _ = first.communicate()
    assert first.returncode == 0, said


def test_a_worker_that_cannot_start_stays_behind_and_the_other_goes(fleet: Standing) -> None:
    fleet.done("deploy")
    fleet.clone.commit({
        "workers/alpha/src/word.js": 'throw new TypeError("boom at start-up");\n',
        "workers/beta/src/word.js": 'export default "well";\n',
    })  # fmt: skip
    half = fleet.run("deploy")
    assert half.code == 1
    assert "boom at start-up" in half.out
    assert (fleet.word("alpha"), fleet.word("beta")) == ("first", "well")
    fleet.change("alpha", "mended")
    again = fleet.done("deploy", "--json").json
    assert [change["verdict"] for change in again["changes"]] == ["changed", "unchanged"]
    assert fleet.word("alpha") == "mended"


@pytest.mark.skipif(not EXHAUSTIVE, reason="two minutes; CATTLEGRID_EXHAUSTIVE=1 runs it")
@pytest.mark.timeout(900)
def test_of_twenty_workers_one_cannot_start_and_nineteen_go(new_fleet: Callable[..., Standing]) -> None:
    names = ("alpha", *(f"worker{number:02}" for number in range(1, 20)))
    fleet = new_fleet(*names)
    fleet.clone.commit({"workers/worker07/src/word.js": 'throw new TypeError("boom at start-up");\n'})
    red = fleet.run("deploy", "--json")
    assert red.code == 1
    failed = {one["name"]: one["detail"] for one in red.json["ran"]["workers"] if not one["ok"]}
    assert list(failed) == ["worker07"]
    assert "boom at start-up" in failed["worker07"]
    assert {fleet.word(name) for name in names if name != "worker07"} == {"first"}
    assert fleet.run("promote", "--dry-run").code == 3
    fleet.change("worker07", "mended")
    again = fleet.run("deploy", "--json").json
    assert [step["worker"] for wave in again["plan"]["waves"] for step in wave] == ["worker07"]
    assert fleet.word("worker07") == "mended"


def test_what_an_agent_deploys_by_hand_is_drift_and_the_gate_stays_closed(
    alpha: Standing, node_parts: Toolchain
) -> None:
    alpha.done("deploy")
    environ = {**alpha.environ, "HOME": str(alpha.root.parent), "WRANGLER_SEND_METRICS": "false"}
    argv = [*node_parts.wrangler, "deploy"]
    subprocess.run(argv, cwd=alpha.root / "workers/alpha", env=environ, check=True, capture_output=True)
    assert "drift" in alpha.run("status").out
    assert "drifted" in alpha.run("changes").out
    refused = alpha.run("promote", "--dry-run")
    assert refused.code == 3
    assert "staging drifted" in refused.out
    alpha.done("deploy")
    assert alpha.promote().code == 0


def test_an_edge_that_lags_is_waited_for(alpha: Standing) -> None:
    alpha.done("deploy")
    alpha.change("alpha", "later")
    alpha.cloud.arm("edge-lag", seconds=3.0)
    assert alpha.run("deploy").code == 0


def test_status_without_production_s_credential_does_not_speak_for_it(alpha: Standing) -> None:
    settings = alpha.root / "cattlegrid.toml"
    alpha.clone.commit({"cattlegrid.toml": settings.read_text() + '\n[environments.production]\ntoken = "NOT_HERE"\n'})
    alpha.run("deploy")
    said = alpha.run("status").out
    assert "production was not looked at" in said
    assert "production runs what staging runs" not in said


def test_staging_s_key_opens_staging_only(alpha: Standing) -> None:
    alpha.done("deploy")
    assert alpha.promote().code == 0
    assert alpha.cloud.fetch(alpha.script("alpha"), "/word", KEYS["staging"]).status_code == 200
    assert alpha.cloud.fetch(alpha.script("alpha", "production"), "/word", KEYS["staging"]).status_code == 401
    checks = json.loads(alpha.done("smoke", "--json").out)["checks"]
    assert any("refused by production" in check["name"] and check["outcome"] == "pass" for check in checks)


def test_the_same_key_in_both_environments_is_found(alpha: Standing) -> None:
    (alpha.root / "secrets/production.env").write_text(f"KEY={KEYS['staging']}\n")
    red = alpha.run("deploy")
    assert red.code == 1
    assert "the same value is in secrets/staging.env and secrets/production.env" in red.out
    assert alpha.promote().code == 3


def test_sql_that_somebody_ran_by_hand_is_told_in_either_environment_and_closes_the_gate(alpha: Standing) -> None:
    alpha.done("deploy")
    assert alpha.promote().code == 0
    alpha.change("alpha", "second")
    alpha.done("deploy")
    for environment in ("staging", "production"):
        alpha.rows("CREATE TABLE by_hand (id)", environment=environment)
    status = alpha.done("status").out
    assert "next: cattlegrid schema diff --env staging" in status
    for environment in ("staging", "production"):
        said = f"SQL was run by hand on {alpha.script('alpha', environment)}: table by_hand: only in the database"
        assert said in status
        assert f"note: alpha: {said}" in alpha.done("changes", "--env", environment, "--no-build").out
    refused = alpha.promote()
    assert refused.code == 3
    assert refused.err.count("schema: fail:") == 2
    assert "table by_hand: only in staging" in refused.err
    assert "table by_hand: only in production" in refused.err
    assert alpha.word("alpha", "production") == "first"
    for environment in ("staging", "production"):
        alpha.rows("DROP TABLE by_hand", environment=environment)
    assert alpha.run("promote", "--dry-run").code == 0
