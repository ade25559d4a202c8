"""mirror, rehearse, backup and restore as a person uses them: a fleet's folder, two environments, a local cloud."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from grounds import Cloud

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.d1 import Listed, Statement
from cattlegrid.database.marker import mark_sql
from cattlegrid.errors import Failed, Refused
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.secrets.sops import age
from cattlegrid.verbs import backup as backups
from cattlegrid.verbs import mirror as mirrors
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.mirror import MirrorReport, Options
from cattlegrid.verbs.mirror_local import mirror_local
from cattlegrid.verbs.rehearse import Options as Rehearsal
from cattlegrid.verbs.rehearse import rehearse
from cattlegrid.verbs.restore import restore
from watched import TRACED, Watch, files_with, forms

pytestmark = pytest.mark.slow

SETTINGS = """
[fleet]
name = "crane"
workers = ["workers/*"]

[mirror]
skip = ["own"]

[mirror.mask]
"people.email" = "email"
"people.note" = "{note}"
"own.v" = "keep"
"""
CONFIG = """
name = "one-staging"
main = "index.js"

[[d1_databases]]
binding = "DB"
database_name = "{staging.name}"
database_id = "{staging.id}"

[env.production]
name = "one"

[[env.production.d1_databases]]
binding = "DB"
database_name = "{production.name}"
database_id = "{production.id}"
"""
SHAPE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE, note TEXT)",
    "CREATE TABLE own (v TEXT)",
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP)",
    "INSERT INTO d1_migrations (name) VALUES ('0001_people.sql')",
)


@dataclass(frozen=True)
class Fleet:
    cloud: Cloud
    folder: Path
    production: Listed
    staging: Listed

    @property
    def edge(self) -> Edge:
        return Edge(self.folder, {**self.cloud.environ, "MIRROR_KEY": "a key for tests only"})

    @property
    def config(self) -> str:
        return (self.folder / "workers/one/wrangler.toml").read_text()

    def mirror(self, **options: bool) -> MirrorReport:
        return mirrors.mirror(self.edge, (), Options(deploy=False, **options))

    def settings(self, note: str) -> None:
        (self.folder / "cattlegrid.toml").write_text(SETTINGS.replace("{note}", note))

    def migration(self, name: str, sql: str) -> None:
        (self.folder / "workers/one/migrations" / name).write_text(sql)


def marked(environment: Environment) -> list[Statement]:
    return [Statement(sql) for sql in mark_sql(environment).split(";\n") if sql]


@pytest.fixture
def fleet(cloud: Cloud, tmp_path: Path) -> Iterator[Fleet]:
    rows = "INSERT INTO people VALUES (1, 'ada@corp.io', 'likes numbers'), (2, 'bob@corp.io', 'asks for ada')"
    made = [Statement(sql) for sql in (*SHAPE, rows, "INSERT INTO own VALUES ('production')")]
    old = [Statement(sql) for sql in (*SHAPE, "INSERT INTO own VALUES ('staging')")]
    production = cloud.database(*made, *marked(Environment.PRODUCTION))
    staging = cloud.database(*old, *marked(Environment.STAGING))
    one = Fleet(cloud, tmp_path, production, staging)
    (tmp_path / "workers/one/migrations").mkdir(parents=True)
    (tmp_path / "workers/one/wrangler.toml").write_text(CONFIG.format(staging=staging, production=production))
    one.migration("0001_people.sql", SHAPE[0])
    one.settings("text")
    yield one
    for listed in d1.listed(cloud.client, ""):
        if listed.name.startswith((production.name, staging.name)):
            d1.drop(cloud.client, listed.id)


def emails(fleet: Fleet, database: Listed) -> list[str]:
    return [str(row[0]) for row in fleet.cloud.rows(database, "SELECT email FROM people ORDER BY id")]


def test_staging_is_switched_to_a_new_database_and_the_old_one_stays(fleet: Fleet) -> None:
    (one,) = fleet.mirror().databases
    new = Listed(one.into_id, one.into, "")
    assert one.copied.outcome is Outcome.PASS, one.copied.checks
    assert all(email.endswith("@example.com") for email in emails(fleet, new))
    assert fleet.cloud.rows(new, "SELECT v FROM own") == [["staging"]]
    assert fleet.cloud.rows(new, "SELECT value FROM _cattlegrid") == [["staging"]]
    assert fleet.cloud.rows(fleet.staging, "SELECT count(*) FROM people") == [[0]]
    assert f'database_name = "{one.into}"\ndatabase_id = "{one.into_id}"' in fleet.config
    assert f'database_id = "{fleet.production.id}"' in fleet.config


def test_the_third_mirror_drops_what_the_first_one_made(fleet: Fleet) -> None:
    first, second, third = (fleet.mirror().databases[0] for _ in range(3))
    assert second.dropped == ()
    assert third.dropped == (first.into,)
    assert d1.named(fleet.cloud.client, second.into) is not None


def test_a_copy_with_a_leak_is_not_switched_to(fleet: Fleet) -> None:
    fleet.settings("keep")
    fleet.cloud.rows(fleet.production, "UPDATE people SET note = 'mail bob@corp.io' WHERE id = 1")
    before = fleet.config
    for _ in range(2):
        report = fleet.mirror()
        assert report.outcome is Outcome.FAIL
        assert report.files == ()
    assert fleet.config == before
    assert not list(d1.listed(fleet.cloud.client, f"{fleet.staging.name}-mirror-"))


def test_in_place_staging_is_what_it_was_when_the_copy_fails(fleet: Fleet) -> None:
    fleet.settings("keep")
    fleet.cloud.rows(fleet.production, "UPDATE people SET note = 'mail bob@corp.io' WHERE id = 1")
    assert fleet.mirror(in_place=True).outcome is Outcome.FAIL
    assert fleet.cloud.rows(fleet.staging, "SELECT v FROM own") == [["staging"]]
    assert emails(fleet, fleet.staging) == []


def test_in_place_staging_has_the_masked_rows_and_its_marker(fleet: Fleet) -> None:
    (one,) = fleet.mirror(in_place=True).databases
    assert (one.copied.outcome, one.into_id) == (Outcome.PASS, fleet.staging.id)
    assert all(email.endswith("@example.com") for email in emails(fleet, fleet.staging))
    assert fleet.cloud.rows(fleet.staging, "SELECT value FROM _cattlegrid") == [["staging"]]
    d1.restore(fleet.cloud.client, fleet.staging.id, one.undo)
    assert fleet.cloud.rows(fleet.staging, "SELECT v FROM own") == [["staging"]]


def test_in_place_refuses_a_staging_whose_marker_says_production(fleet: Fleet) -> None:
    fleet.cloud.rows(fleet.staging, "UPDATE _cattlegrid SET value = 'production'")
    with pytest.raises(Refused, match="its marker says production; nothing was written to it"):
        fleet.mirror(in_place=True)
    assert fleet.cloud.rows(fleet.staging, "SELECT v FROM own") == [["staging"]]


def test_a_dry_run_says_what_it_would_cost_and_makes_nothing(fleet: Fleet) -> None:
    report = fleet.mirror(dry_run=True)
    ((_, estimate),) = report.estimates
    assert (estimate.tables, estimate.rows, report.databases) == (2, 3, ())
    assert not list(d1.listed(fleet.cloud.client, "-mirror-"))


def test_rehearse_tells_rows_lost_and_leaves_no_database_behind(fleet: Fleet) -> None:
    fleet.migration("0002_less.sql", "DELETE FROM people WHERE id = 2;")
    report = rehearse(fleet.edge)
    assert [(check.name, check.outcome, check.detail) for check in report.checks] == [
        ("0002_less.sql", Outcome.FAIL, "rows lost: 1 of people")
    ]
    assert rehearse(fleet.edge, (), Rehearsal(loss_meant=True)).outcome is Outcome.PASS
    assert fleet.cloud.rows(fleet.production, "SELECT count(*) FROM people") == [[2]]
    assert not list(d1.listed(fleet.cloud.client, "-rehearsal-"))


def test_a_backup_holds_every_value_and_a_changed_one_is_found(fleet: Fleet) -> None:
    (one,) = backups.backup(fleet.edge, Environment.PRODUCTION, into=fleet.folder / "b").files
    assert backups.verify(fleet.edge, one.file).outcome is Outcome.PASS
    assert oct(one.file.stat().st_mode & 0o777) == "0o600"
    with closing(sqlite3.connect(one.file)) as db:
        assert db.execute("SELECT email FROM people WHERE id = 1").fetchall() == [("ada@corp.io",)]
        db.execute("UPDATE people SET note = 'likes numberz' WHERE id = 1")
        db.commit()
    failed = [
        check.name for check in backups.verify(fleet.edge, one.file).files[0].checks if check.outcome is Outcome.FAIL
    ]
    assert failed == ["bytes of the file", "every value"]


def test_a_restore_makes_a_new_database_and_production_s_values_stay_out_of_staging(fleet: Fleet) -> None:
    (one,) = backups.backup(fleet.edge, Environment.PRODUCTION, into=fleet.folder / "b").files
    with pytest.raises(Refused, match="staging gets production's data masked"):
        restore(fleet.edge, one.file, Environment.STAGING, worker="one")
    report = restore(fleet.edge, one.file, Environment.PRODUCTION, worker="one")
    new = Listed(report.database_id, report.database, "")
    assert report.outcome is Outcome.PASS, report.checks
    assert emails(fleet, new) == emails(fleet, fleet.production) == ["ada@corp.io", "bob@corp.io"]
    assert f'database_id = "{report.database_id}"' in fleet.config
    told = json.loads(one.file.with_suffix(".json").read_text())
    one.file.with_suffix(".json").write_text(json.dumps({**told, "sha256": "0" * 64}))
    with pytest.raises(Failed, match="not what its manifest says"):
        restore(fleet.edge, one.file, Environment.PRODUCTION, worker="one")


def test_an_encrypted_backup_is_restored_by_a_recipient_and_a_failed_one_is_told(fleet: Fleet) -> None:
    secret, public = age.generate()
    with (fleet.folder / "cattlegrid.toml").open("a") as settings:
        settings.write(f'[backup]\nrecipients = ["{public}"]\nfolder = "b"\n')
    report = backups.backup(fleet.edge, Environment.PRODUCTION)
    (one,) = report.files
    assert (report.outcome, one.file.suffixes) == (Outcome.PASS, [".sqlite", ".age"])
    edge = Edge(fleet.folder, {**fleet.edge.environ, "SOPS_AGE_KEY": secret.reveal()})
    restored = restore(edge, one.file, Environment.PRODUCTION, worker="one")
    assert restored.outcome is Outcome.PASS, restored.checks
    assert emails(fleet, Listed(restored.database_id, "", "")) == ["ada@corp.io", "bob@corp.io"]
    d1.drop(fleet.cloud.client, restored.database_id)
    failed = backups.backup(fleet.edge, Environment.PRODUCTION)
    assert (failed.outcome, failed.files, len(failed.failed)) == (Outcome.FAIL, (), 1)


def test_a_mirror_to_files_is_masked_and_a_table_that_was_not_named_is_empty(fleet: Fleet) -> None:
    report = mirror_local(fleet.edge, into=fleet.folder / "m", tables=("own",))
    ((file, copied),) = report.files
    assert copied.outcome is Outcome.PASS
    whole, _ = mirror_local(fleet.edge, into=fleet.folder / "n").files[0]
    for one, rows in ((file, 0), (whole, 2)):
        with closing(sqlite3.connect(one)) as db:
            assert db.execute("SELECT count(*) FROM people").fetchall() == [(rows,)]
        assert b"corp.io" not in one.read_bytes()
    with pytest.raises(Refused, match="production has no table 'peeple'"):
        mirror_local(fleet.edge, into=fleet.folder / "o", tables=("peeple",))


def test_the_key_of_the_masks_is_nowhere_after_any_of_the_commands(fleet: Fleet) -> None:
    key = "canary-of-the-masks-key-7d1f"
    values, watch = forms({"the key of the masks": key, "it as hexadecimal digits": key.encode().hex()}), Watch()
    environ = {**os.environ, **fleet.cloud.environ, "MIRROR_KEY": key, "TMPDIR": str(fleet.folder)}
    said = b""
    with watch.running():
        for words in ("mirror --in-place", "mirror --to local --json", "mirror nobody", "mirror --in-place --json"):
            if words.endswith("--in-place --json"):
                fleet.settings("nonsense")
            argv = [*TRACED, *words.split()]
            done = subprocess.run(argv, cwd=fleet.folder, env=environ, capture_output=True, check=False, timeout=120)
            said += done.stdout + done.stderr
    assert b"pass" in said, said.decode()
    for name, value in values.items():
        assert value not in said, f"{name} was printed"
        assert value not in watch.arguments + watch.environments, f"another program was given {name}"
        assert files_with(value, fleet.folder, fleet.cloud.layout.folder) == [], f"{name} is in a file or a database"
    assert b"HTTP Request: POST" in said


def test_a_mirror_killed_at_any_moment_is_finished_by_the_next_one(fleet: Fleet) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
    fleet.cloud.rows(
        fleet.production, f"{many} INSERT INTO people SELECT i, 'p' || i || '@corp.io', 'note ' || i FROM n"
    )
    argv = [str(Path(sys.executable).with_name("cattlegrid")), "mirror", "--no-deploy"]
    environ = {**os.environ, **fleet.edge.environ}
    for seconds in (1.0, 1.5, 2.0, 2.5, 3.0):
        running = subprocess.Popen(
            argv, cwd=fleet.folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(seconds)
        running.kill()
        running.wait()
    if fleet.staging.id in fleet.config:
        assert fleet.mirror().outcome is Outcome.PASS
    made = list(d1.listed(fleet.cloud.client, f"{fleet.staging.name}-mirror-"))
    (new,) = [one for one in made if one.id in fleet.config]
    assert fleet.cloud.rows(new, "SELECT count(*), count(DISTINCT email) FROM people") == [[3993, 3993]]
    assert fleet.cloud.rows(new, "SELECT count(*) FROM people WHERE email LIKE '%corp.io'") == [[0]]
    assert fleet.cloud.rows(new, "SELECT name FROM sqlite_schema WHERE name LIKE '\\_cattlegrid\\_%' ESCAPE '\\'") == []
