from __future__ import annotations

from pathlib import Path

import pytest
from grounds import Cloud, Road

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Listed, Statement
from cattlegrid.errors import Refused
from cattlegrid.mirror.staging import StagingWriter
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import WorkerSettings
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account, Database, Deployable, Target

ACCOUNT = Account("http://nowhere.invalid", "acc", Secret("t"))


def target(environment: Environment, *ids: str) -> Target:
    databases = tuple(Database("DB", one, one, None) for one in ids)
    worker = Deployable(WorkerSettings("w", "w", "w/wrangler.toml"), "w", {}, databases, Path())
    return Target(environment, ACCOUNT, {"w": worker})


def test_a_writer_cannot_be_made_from_production() -> None:
    production = target(Environment.PRODUCTION, "p")
    with Client(ACCOUNT) as client, pytest.raises(Refused, match="writes to staging only; this target is production"):
        StagingWriter(production, production, client, "p", "p")


def test_a_writer_cannot_be_made_for_a_database_that_production_names() -> None:
    staging, production = target(Environment.STAGING, "s"), target(Environment.PRODUCTION, "p")
    with Client(ACCOUNT) as client, pytest.raises(Refused, match="database p is production's; nothing was written"):
        StagingWriter(staging, production, client, "p", "p")


@pytest.mark.slow
def test_a_database_marked_production_is_refused_and_nothing_is_written(cloud: Cloud, road: Road) -> None:
    cloud.rows(road.staging, "UPDATE _cattlegrid SET value = 'production'")
    with pytest.raises(Refused, match="is not staging's: its marker says production; nothing was written to it"):
        road.mirror()
    assert cloud.rows(road.staging, "SELECT name FROM sqlite_schema WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'"
                      " AND name NOT LIKE 'sqlite_%'") == [["_cattlegrid"]]  # fmt: skip


@pytest.mark.slow
def test_a_marker_that_changes_under_way_stops_the_next_batch(cloud: Cloud, road: Road) -> None:
    writer = road.writer()
    writer.write([Statement("CREATE TABLE t (a)")])
    cloud.rows(road.staging, "UPDATE _cattlegrid SET value = 'production'")
    with pytest.raises(Refused, match="marker says production"):
        writer.write([Statement("INSERT INTO t VALUES (1)")])
    assert cloud.rows(road.staging, "SELECT count(*) FROM t") == [[0]]


@pytest.mark.slow
def test_a_database_without_a_marker_is_refused(cloud: Cloud, nasty: Listed) -> None:
    unmarked = cloud.database()
    with pytest.raises(Refused, match="it has no marker"):
        Road(cloud, nasty, unmarked).mirror()
    d1.drop(cloud.client, unmarked.id)
