"""`provision` against the local Cloudflare: made once, found again, written into the files, never another's."""

from __future__ import annotations

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from grid import NOTES, Grid

from cattlegrid.cloudflare import resources
from cattlegrid.cloudflare.resources import Kind
from cattlegrid.errors import ApiError, Refused
from cattlegrid.local import daemon
from cattlegrid.model.environment import Environment
from cattlegrid.verbs.provision import ProvisionOptions, provision
from cattlegrid.wrangler import config

pytestmark = pytest.mark.slow
STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION

ALL_KINDS = """\
# who am I
name = "context-WORD-staging"
main = "index.js"
compatibility_date = "2026-01-01"
d1_databases = [{ binding = "DB", database_name = "context-WORD-staging" }] # the ledger
kv_namespaces = [{ binding = "LAST_SEEN", id = "00000000000000000000000000000005" }]
r2_buckets = [{ binding = "FILES", bucket_name = "files-WORD-staging" }]
[[queues.producers]]
binding = "JOBS"
queue = "jobs-WORD-staging"
[[queues.consumers]]
queue = "jobs-WORD-staging"
dead_letter_queue = "dead-WORD-staging"
[env.production]
name = "context-WORD"
d1_databases = [{ binding = "DB", database_name = "context-WORD" }]
kv_namespaces = [{ binding = "LAST_SEEN" }]
r2_buckets = [{ binding = "FILES", bucket_name = "files-WORD" }]
[[env.production.queues.producers]]
binding = "JOBS"
queue = "jobs-WORD"
"""


def there(grid: Grid) -> dict[Kind, list[str]]:
    return {kind: sorted(name for name in resources.all_of(grid.client, kind) if grid.word in name) for kind in Kind}


def test_everything_that_is_lacking_is_made_and_written_into_the_file_with_its_comments(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    report = provision(grid.edge, STAGING)
    assert report.ran is not None
    assert report.ran.problem == ""
    word = grid.word
    assert there(grid) == {
        Kind.D1: [f"context-{word}-staging"],
        Kind.KV: [f"context-{word}-staging-last-seen"],
        Kind.R2: [f"files-{word}-staging"],
        Kind.QUEUE: [f"dead-{word}-staging", f"jobs-{word}-staging"],
    }
    text = grid.file().read_text()
    assert f'database_id = "{grid.database().id}" }}] # the ledger' in text
    assert "00000000000000000000000000000005" not in text
    assert text.startswith("# who am I")
    assert grid.sql("SELECT name, value FROM _cattlegrid") == [("environment", "staging")]


def test_a_second_run_changes_nothing(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    provision(grid.edge, STAGING)
    text, found = grid.file().read_text(), there(grid)
    report = provision(grid.edge, STAGING)
    assert report.plan.empty
    assert report.ran is None
    assert (grid.file().read_text(), there(grid)) == (text, found)


def test_what_nobody_is_bound_to_is_named_and_left(grid: Grid) -> None:
    grid.worker()
    name = f"context-{grid.word}-staging-old"
    resources.create(grid.client, Kind.D1, name, resources.Traits())
    ran = grid.run("provision")
    assert f"D1 database {name} is bound nowhere in this fleet; it is left as it is" in ran.out
    assert there(grid)[Kind.D1] == [f"context-{grid.word}-staging", name]


def test_a_dry_run_says_what_it_would_make_and_makes_nothing(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    ran = grid.run("provision", "--dry-run")
    assert ran.code == 0
    assert "staging  provision ✓ pass  5 resources, 5 to be created" in ran.out
    assert "the free plan allows 10, the paid one 50,000" in ran.out
    assert not any(there(grid).values())
    assert grid.file().read_text() == ALL_KINDS.replace("WORD", grid.word)


def test_staging_lies_where_production_lies(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    word = grid.word
    resources.create(grid.client, Kind.D1, f"context-{word}", resources.Traits("apac"))
    resources.create(
        grid.client, Kind.R2, f"files-{word}", resources.Traits("enam", "", {"storageClass": "InfrequentAccess"})
    )
    resources.create(grid.client, Kind.QUEUE, f"jobs-{word}", resources.Traits("", "", {"delivery_delay": 7}))
    provision(grid.edge, PRODUCTION)
    provision(grid.edge, STAGING)
    made = {kind: resources.all_of(grid.client, kind) for kind in (Kind.D1, Kind.R2, Kind.QUEUE)}
    database = resources.traits(grid.client, made[Kind.D1][f"context-{word}-staging"])
    bucket = resources.traits(grid.client, made[Kind.R2][f"files-{word}-staging"])
    queue = resources.traits(grid.client, made[Kind.QUEUE][f"jobs-{word}-staging"])
    assert (database.location, bucket.location, bucket.settings) == (
        "apac",
        "enam",
        {"storageClass": "InfrequentAccess"},
    )
    assert queue.settings["delivery_delay"] == 7


def test_production_s_database_in_a_staging_file_is_refused(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    provision(grid.edge, PRODUCTION)
    shared = grid.file().read_text().replace(f'"context-{grid.word}-staging" }}', f'"context-{grid.word}" }}')
    grid.file().write_text(shared)
    with pytest.raises(Refused, match=f"D1 database context-{grid.word} is the other environment's too"):
        provision(grid.edge, STAGING)
    assert grid.file().read_text() == shared


def test_a_database_that_holds_tables_and_no_marker_needs_a_person_s_word(grid: Grid) -> None:
    grid.worker()
    made = resources.create(grid.client, Kind.D1, f"context-{grid.word}-staging", resources.Traits())
    grid.file().write_text(
        grid.file().read_text().replace("migrations_dir", f'database_id = "{made.id}"\nmigrations_dir', 1)
    )
    grid.sql(NOTES)
    with pytest.raises(Refused, match="has 1 tables and no environment marker") as caught:
        provision(grid.edge, STAGING)
    assert caught.value.next.endswith("cattlegrid provision --mark")
    provision(grid.edge, STAGING, options=ProvisionOptions(mark=True))
    assert grid.sql("SELECT value FROM _cattlegrid") == [("staging",)]


def test_a_database_that_vanished_is_refused_and_not_made_anew(grid: Grid) -> None:
    grid.worker()
    provision(grid.edge, STAGING)
    grid.client.call("DELETE", f"/d1/database/{grid.database().id}")
    with pytest.raises(Refused, match=f"the account has no D1 database {grid.database().id}"):
        provision(grid.edge, STAGING)
    assert there(grid)[Kind.D1] == []


CREATES = ["/d1/database", "/storage/kv/namespaces", "/r2/buckets", "/queues"]


@pytest.mark.parametrize("kind", ["lost", "500", "cut", "429"])
@pytest.mark.parametrize("path", CREATES)
def test_a_fault_in_a_creating_call_never_makes_a_second_one(grid: Grid, kind: str, path: str) -> None:
    grid.worker(config=ALL_KINDS)
    grid.fault(kind, "POST", f"*{path}", seconds=0)
    report = provision(grid.edge, STAGING)
    assert (report.ran and report.ran.problem) == ""
    assert [len(found) for found in there(grid).values()] == [1, 1, 1, 2]


def test_a_full_account_says_so_and_the_next_run_goes_on(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    provision(grid.edge, STAGING)
    grid.limits(databases=1)
    report = provision(grid.edge, PRODUCTION)
    assert report.ran is not None
    assert "reached the maximum number of databases" in report.ran.problem
    assert "the free plan: 10" in report.ran.next
    grid.limits()
    provision(grid.edge, PRODUCTION)
    assert there(grid)[Kind.D1] == [f"context-{grid.word}", f"context-{grid.word}-staging"]


def test_an_answer_that_cannot_be_read_stops_and_the_next_run_finds_what_was_made(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    grid.fault("garbage", "POST", "*/queues")
    report = provision(grid.edge, STAGING)
    assert report.ran is not None
    assert f"queue jobs-{grid.word}-staging" in report.ran.problem
    assert [one.kind for one in report.ran.made] == [Kind.D1, Kind.KV, Kind.R2]
    provision(grid.edge, STAGING)
    assert [len(found) for found in there(grid).values()] == [1, 1, 1, 2]


def test_an_unreadable_answer_to_any_of_its_calls_is_told_and_nothing_is_made_twice(grid: Grid) -> None:
    """Listing, creating, reading traits, looking for the marker, writing it: each call of the run in its turn."""
    grid.worker(config=ALL_KINDS)
    told, number, hit = 0, 0, True
    while hit:
        grid.fault("garbage", skip=number)
        told += went_wrong(grid)
        hit = any(one["hit"] for one in daemon.armed(grid.state))
        daemon.disarm(grid.state)
        number += 1
    assert told >= 8
    assert [len(found) for found in there(grid).values()] == [1, 1, 1, 2]
    assert grid.sql("SELECT value FROM _cattlegrid") == [("staging",)]


def went_wrong(grid: Grid) -> bool:
    try:
        report = provision(grid.edge, STAGING)
    except ApiError:
        return True
    return report.ran is not None and bool(report.ran.problem)


def test_killed_at_each_of_its_writes_it_never_makes_a_second_one(grid: Grid) -> None:
    grid.worker(config=ALL_KINDS)
    kills = 0
    for skip in (0, 0, 0, 0, 1, 2):
        kills += grid.killed_at_write(skip, "provision")
        config.parse(grid.file().read_bytes(), "wrangler.toml", shown="the file is whole")
    assert kills >= 5
    provision(grid.edge, STAGING)
    assert [len(found) for found in there(grid).values()] == [1, 1, 1, 2]
    assert grid.sql("SELECT value FROM _cattlegrid") == [("staging",)]
    assert provision(grid.edge, STAGING).plan.empty


def test_a_read_only_file_is_told_with_the_ids_and_the_next_run_writes_them(grid: Grid) -> None:
    grid.worker()
    grid.file().chmod(0o444)
    report = provision(grid.edge, STAGING)
    assert report.ran is not None
    assert "read-only" in report.ran.problem
    assert "d1_databases[0].database_id = " in report.ran.problem
    grid.file().chmod(0o644)
    provision(grid.edge, STAGING)
    assert there(grid)[Kind.D1] == [f"context-{grid.word}-staging"]
    assert grid.sql("SELECT value FROM _cattlegrid") == [("staging",)]


def test_a_file_that_somebody_changes_meanwhile_is_left_as_they_have_it(grid: Grid) -> None:
    grid.worker()
    grid.fault("delay", "POST", "*/d1/database", seconds=1.5)
    with ThreadPoolExecutor(1) as other:
        running = other.submit(provision, grid.edge, STAGING)
        until_hit(grid)
        theirs = "# mine\n" + grid.file().read_text()
        grid.file().write_text(theirs)
        report = running.result()
    assert report.ran is not None
    assert "changed by somebody else in the meantime" in report.ran.problem
    assert grid.file().read_text() == theirs
    provision(grid.edge, STAGING)
    assert there(grid)[Kind.D1] == [f"context-{grid.word}-staging"]


def until_hit(grid: Grid) -> None:
    while not any(one["hit"] for one in daemon.armed(grid.state)):
        time.sleep(0.01)


def test_the_example_fleet_is_provisioned_from_its_names(grid: Grid) -> None:
    """One file in TOML, one in JSON with comments; both environments. Nothing changes but the ids that are added."""
    example = Path(__file__).parents[2] / "examples/fleet"
    shutil.copytree(example, grid.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    before = {}
    for file in sorted(grid.root.glob("workers/*/wrangler.*")):
        text = re.sub(
            r'"(context|watch)(-\w+)*"', lambda name: f'"{name[0].strip(chr(34))}-{grid.word}"', file.read_text()
        )
        file.write_text(text)
        before[file] = text
    for environment in (STAGING, PRODUCTION):
        report = provision(grid.edge, environment)
        assert (report.ran and report.ran.problem) == ""
        assert provision(grid.edge, environment).plan.empty
    assert [len(found) for found in there(grid).values()] == [4, 2, 0, 2]
    for file, text in before.items():
        after = file.read_text()
        added = r"""[\s,]*"?\b(?:database_)?id"?\s*[=:]\s*"([0-9a-f-]{32,36})\""""
        ids = re.findall(added, after)
        assert len(ids) == len(set(ids)) == (4 if file.suffix == ".jsonc" else 2)
        assert re.sub(added, "", after) == text
