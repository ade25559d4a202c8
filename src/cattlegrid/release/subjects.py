"""The subjects of a smoke run: what is live in a target, where it answers, what its databases' ledgers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cattlegrid.cloudflare import versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.database import state
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.target import Deployable, Target
from cattlegrid.model.version import Version
from cattlegrid.release.live import Live
from cattlegrid.release.parallel import each
from cattlegrid.release.smoke.subject import Subject


def of(client: Client, target: Target, live: Mapping[str, Live]) -> tuple[tuple[Subject, ...], tuple[Check, ...]]:
    """A subject for each deployed worker, and a gap for each that is not: it was not measured."""
    deployed = [(target.workers[name], one.version) for name, one in live.items() if one.version is not None]
    subjects = each(lambda pair: subject(client, target, pair[0], pair[1]), deployed)
    gaps = [
        Check("deployed", Outcome.NOT_MEASURED, f"script {one.script} is not deployed", name)
        for name, one in live.items()
        if one.version is None
    ]
    return tuple(subjects), tuple(gaps)


def subject(
    client: Client, target: Target, deployable: Deployable, version: Version, *, ahead: bool = False
) -> Subject:
    ledgers = {
        database.binding: state.read(client, database).newest for database in deployable.databases if database.id
    }
    return replace(located(client, target, deployable, version), ahead=ahead, migrations=ledgers)


def located(client: Client, target: Target, deployable: Deployable, version: Version) -> Subject:
    """Enough to ask the worker: without its databases' ledgers, each of which costs two queries."""
    return Subject(target.environment, deployable, version, versions.address(client, deployable.script, version.id))
