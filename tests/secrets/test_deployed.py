"""Secrets end to end, on the local Cloudflare: pushed, deployed, answered to, audited, rotated, interrupted."""

from __future__ import annotations

import threading

import pytest
from fleet import SecretFleet
from keys import NOW

pytestmark = pytest.mark.slow


def test_a_deployed_worker_takes_its_own_environments_key_and_refuses_the_others(fleet: SecretFleet) -> None:
    staging, production = fleet.value("API_KEY"), fleet.value("API_KEY", "production")
    assert (fleet.status("api-staging", staging), fleet.status("api", production)) == (200, 200)
    assert (fleet.status("api-staging", production), fleet.status("api", staging)) == (401, 401)


def test_a_value_that_is_set_is_refused_until_it_is_pushed_and_accepted_then(fleet: SecretFleet) -> None:
    before = fleet.value("WATCH_KEY")
    fleet.done("secrets", "set", "WATCH_KEY", input="another-key-of-staging-1234\n")
    assert "is stale" in fleet.done("secrets", "audit", code=1).out
    assert fleet.status("watch-staging", "another-key-of-staging-1234") == 401
    assert "watch (watch-staging): WATCH_KEY" in fleet.done("secrets", "push").out
    assert fleet.status("watch-staging", "another-key-of-staging-1234") == 200
    assert fleet.status("watch-staging", before) == 401


def test_a_push_keeps_the_stamp_so_that_nothing_is_deployed_again(fleet: SecretFleet) -> None:
    fleet.done("secrets", "push")
    assert "nothing to deploy" in fleet.done("deploy").out
    assert "not by cattlegrid" not in fleet.done("status").out


def test_a_deploy_keeps_the_manifest_so_that_the_audit_still_sees(fleet: SecretFleet) -> None:
    fleet.done("secrets", "push")
    fleet.done("deploy", "watch", "--again")
    assert "4 workers" in fleet.done("secrets", "audit").out


def test_the_audit_proves_both_environments_and_says_how_production_is_known_to_be_refused(fleet: SecretFleet) -> None:
    said = fleet.done("secrets", "audit", "--all").out
    assert "API_KEY differs between staging and production" in said
    assert "staging's API_KEY is refused by production" in said
    assert "concluded: it accepts its own key, refuses a made-up one, and production's is another" in said
    assert "✓ pass  3 names, 4 workers, 12 live checks" in said


def test_productions_key_is_never_sent_to_staging(fleet: SecretFleet) -> None:
    """The Worker keeps every key that it is sent: staging's is among them, production's is not."""
    fleet.done("secrets", "audit")
    fleet.done("smoke")
    fleet.done("smoke", "--env", "production")
    kept = fleet.http.get(f"{fleet.router}/seen", headers={"Host": "watch-staging.local.localhost"}).text
    assert fleet.value("WATCH_KEY") in kept
    assert fleet.value("WATCH_KEY", "production") not in kept


def test_an_audit_without_production_credentials_is_not_measured_and_never_a_pass(fleet: SecretFleet) -> None:
    ran = fleet.done("secrets", "audit", who=fleet.machine, code=4)
    assert "none of the keys on this machine opens it" in ran.out
    assert "? not measured" in ran.out


def test_a_staging_machine_compares_with_production_by_the_digests_on_its_workers(fleet: SecretFleet) -> None:
    checks = fleet.done("secrets", "audit", "--json", who=fleet.machine, code=4).json["checks"]
    compared = next(one for one in checks if one["name"].startswith("API_KEY differs"))
    assert compared["outcome"] == "pass"
    assert compared["detail"] == "by digests: secrets/staging.sops.json, api of production"


def test_an_audit_that_cannot_reach_cloudflare_is_not_measured(fleet: SecretFleet) -> None:
    ran = fleet.done("secrets", "audit", code=4, CLOUDFLARE_API_TOKEN="")
    assert "the variable CLOUDFLARE_API_TOKEN is not set" in ran.out


def test_a_secret_that_somebody_set_by_hand_is_not_measured_until_the_next_push(fleet: SecretFleet) -> None:
    body = {"name": "API_KEY", "text": "by-hand-0123456789abcdef", "type": "secret_text"}
    fleet.api("PUT", "/workers/scripts/api-staging/secrets", json=body)
    assert "set by hand after its manifest was written" in fleet.done("secrets", "audit", code=1).out
    fleet.done("secrets", "push")
    fleet.done("secrets", "audit")


def test_a_name_that_nobody_declared_is_reported_and_deleted_only_when_told(fleet: SecretFleet) -> None:
    body = {"name": "STRAY", "text": "stray", "type": "secret_text"}
    fleet.api("PUT", "/workers/scripts/api-staging/secrets", json=body)
    assert "on Cloudflare and in no list: STRAY" in fleet.done("secrets", "push").out
    assert "unknown: STRAY" in fleet.done("secrets", "check", code=1).out
    assert "deleted: STRAY" in fleet.done("secrets", "push", "--delete-unknown").out
    names = {one["name"] for one in fleet.api("GET", "/workers/scripts/api-staging/secrets")}
    assert names == {"API_KEY", "HOOK_SECRET"}


def test_with_one_value_missing_nothing_at_all_is_pushed(fleet: SecretFleet) -> None:
    store = fleet.ann.store(fleet.root)
    before = store.file.read_bytes()
    versions = len(fleet.api("GET", "/workers/scripts/api-staging/versions")["items"])
    store.change({"WATCH_KEY": None}, NOW)
    ran = fleet.done("secrets", "push", code=1)
    assert "nothing was pushed" in ran.out
    assert "missing in the store: WATCH_KEY" in ran.out
    assert len(fleet.api("GET", "/workers/scripts/api-staging/versions")["items"]) == versions
    store.file.write_bytes(before)


def test_a_store_that_somebody_made_anew_is_not_pushed(fleet: SecretFleet) -> None:
    file = fleet.ann.store(fleet.root).file
    before = file.read_bytes()
    file.unlink()
    fleet.done("secrets", "init", "--env", "staging")
    fleet.done("secrets", "generate")
    fleet.done("secrets", "set", "HOOK_SECRET", input="hook-secret-of-an-outside-service")
    ran = fleet.done("secrets", "push", code=3)
    assert "the store is not the one that its secrets were last pushed from" in ran.err
    file.write_bytes(before)


def test_a_rotation_under_load_does_not_fail_one_request(fleet: SecretFleet) -> None:
    failures: list[int] = []
    asked, stop = [0], threading.Event()

    def load() -> None:
        while not stop.is_set():
            status = fleet.status("api-staging", fleet.value("API_KEY"))
            asked[0] += 1
            if status != 200:
                failures.append(status)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    old = fleet.value("API_KEY")
    ran = fleet.done("secrets", "rotate", "API_KEY")
    assert "the old one is accepted too" in ran.out
    assert fleet.status("api-staging", old) == 200
    fleet.done("secrets", "rotate", "API_KEY", "--finish")
    stop.set()
    for thread in threads:
        thread.join()
    assert asked[0] > 50
    assert failures == []
    assert fleet.status("api-staging", old) == 401


def test_a_rotation_without_a_second_slot_is_refused_unless_at_once_is_meant(fleet: SecretFleet) -> None:
    assert "accept one value only" in fleet.done("secrets", "rotate", "WATCH_KEY", code=3).err
    before = fleet.value("WATCH_KEY")
    fleet.done("secrets", "rotate", "WATCH_KEY", "--at-once")
    assert (fleet.status("watch-staging", before), fleet.status("watch-staging", fleet.value("WATCH_KEY"))) == (
        401,
        200,
    )


def test_import_from_wrangler_takes_its_files_and_says_what_cloudflare_does_not_give_back(fleet: SecretFleet) -> None:
    file = fleet.ann.store(fleet.root).file
    before = file.read_bytes()
    fleet.ann.store(fleet.root).change({"WATCH_KEY": None, "HOOK_SECRET": None}, NOW)
    vars_file = fleet.root / "workers" / "api" / ".dev.vars"
    vars_file.write_text('HOOK_SECRET="hook-secret-of-an-outside-service"\n')
    ran = fleet.done("secrets", "import", "--from", "wrangler", code=1)
    assert "imported: HOOK_SECRET" in ran.out
    assert "WATCH_KEY is on watch-staging, and Cloudflare gives no value back" in ran.out
    assert "workers/api/.dev.vars still holds them in plain text" in ran.out
    said = fleet.done("secrets", "import", "--from", "wrangler", "--env", "production").out
    assert "imported: nothing" in said, "a developer's file is not production's"
    vars_file.unlink()
    file.write_bytes(before)


def test_diff_sees_that_a_worker_is_behind_its_store(fleet: SecretFleet) -> None:
    fleet.done("secrets", "diff")
    before = fleet.value("WATCH_KEY")
    fleet.done("secrets", "set", "WATCH_KEY", input="yet-another-key-of-staging")
    rows = fleet.done("secrets", "diff", "--json", code=1).json["rows"]
    watch = next(row for row in rows if row["name"] == "WATCH_KEY")
    assert watch["places"]["staging"] != watch["places"]["watch of staging"]
    fleet.done("secrets", "set", "WATCH_KEY", input=before)
    fleet.done("secrets", "diff")
