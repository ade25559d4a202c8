"""A local Cloudflare for the mirror's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from grounds import Cloud, Fault, Road
from nasty import Nasty

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Listed, Statement
from cattlegrid.database.marker import mark_sql
from cattlegrid.local import daemon
from cattlegrid.local.layout import Layout
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account
from cattlegrid.toolchain import Toolchain


@pytest.fixture(scope="session")
def cloud(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("cloud") / "state"
    running = daemon.up(state, node=node_parts.node, modules=node_parts.modules)
    environ = daemon.env(state)
    account = Account(running.base_url, running.account, Secret(environ["CLOUDFLARE_API_TOKEN"]))
    with Client(account) as client:
        made = Cloud(client, environ, Layout(state.absolute()))
        made.tell("PUT", "/local/rate-limit", {"calls": 100_000})
        yield made
    daemon.reset(state)


@pytest.fixture
def fault(cloud: Cloud) -> Iterator[Fault]:
    """Arms a fault; all of them are gone afterwards."""

    def arm(kind: str, **more: object) -> None:
        cloud.tell("POST", "/local/faults", {"kind": kind, **more})

    yield arm
    cloud.tell("DELETE", "/local/faults")


@pytest.fixture
def staging(cloud: Cloud) -> Iterator[Listed]:
    made = cloud.database(*(Statement(sql) for sql in mark_sql(Environment.STAGING).split(";\n") if sql))
    yield made
    d1.drop(cloud.client, made.id)


@pytest.fixture(scope="session")
def nasty(cloud: Cloud) -> Listed:
    return cloud.database(*(Statement(sql, parameters) for sql, parameters in Nasty(7, big=True).statements()))


@pytest.fixture
def road(cloud: Cloud, nasty: Listed, staging: Listed) -> Road:
    return Road(cloud, nasty, staging)
