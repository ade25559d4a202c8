"""A version's code on a database of its own: a throw-away Worker, asked what smoke checks ask, then deleted.

It is a script of its own and no version of staging's: on a script's newest version, a push of secrets builds.
Everything but its database is staging's: variables, secrets, the Workers and stores that it is bound to.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cattlegrid.cloudflare import scripts, versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import CattlegridError
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable
from cattlegrid.model.version import Version
from cattlegrid.release.promotion.upload import config, unpack
from cattlegrid.release.smoke import declared, health
from cattlegrid.release.smoke.subject import Subject
from cattlegrid.secrets.store import Stored
from cattlegrid.wrangler.run import Wrangler, call, environment

# What would take events, traffic or names away from the Workers that have them.
_NOT_HERE: Final = frozenset({"route", "routes", "triggers", "tail_consumers", "streaming_tail_consumers"})
_CANNOT: Final = ("assets", "site", "containers", "workflows")
_SECRET: Final = "secret_text"  # noqa: S105 - a kind of binding


@dataclass(frozen=True)
class Stage:
    """Where trials take place: staging's account, the values of its secrets, a folder for what wrangler needs."""

    client: Client
    wrangler: Wrangler
    environ: Mapping[str, str]
    stored: Stored
    folder: Path


@dataclass(frozen=True)
class Code:
    """The code to try: a version of a script, where it is fetched from, and what it is called in a report."""

    client: Client
    script: str
    version: Version
    called: str


def run(stage: Stage, deployable: Deployable, code: Code, database: tuple[str, str, str]) -> Check:
    """One check over all that the worker declares. `database` is (id in its configuration, id and name to bind).

    What cannot be tried (assets, containers, workflows; code that no longer uploads) is not measured.
    """
    worker, name = deployable.worker.name, f"{code.called} on the migrated rows"
    cannot = [key for key in _CANNOT if deployable.config.get(key)]
    if cannot:
        return Check(name, Outcome.NOT_MEASURED, f"a worker with {cannot[0]} cannot be tried", worker)
    script = f"{deployable.script[:40]}-rehearsal-{randomness.token_hex(4)}"
    try:
        return _tried(stage, replace(deployable, script=script), code, database, name)
    except CattlegridError as error:
        return Check(name, Outcome.NOT_MEASURED, f"could not be started: {error.what}", worker)
    finally:
        scripts.delete(stage.client, script)


def _tried(stage: Stage, deployable: Deployable, code: Code, database: tuple[str, str, str], name: str) -> Check:
    modules, main = versions.modules(code.client, code.script, code.version.id)
    folder = stage.folder / deployable.script
    folder.mkdir(parents=True)
    unpack(folder, modules, _alone(config(deployable, modules, main), database))
    stored = _stored(stage.stored, code.version)
    env = environment(stage.wrangler, stage.environ, stage.client.account)
    words = ["deploy", "--no-bundle", "--config", str(folder / "wrangler.json"), "--env="]
    given = {one: stored.values[one] for one in _secrets(code.version)}
    said = call(stage.wrangler, words, cwd=folder, env=env, secrets=given)
    said.finished.expect_success(f"starting {name}")
    version = versions.read(stage.client, deployable.script, said.version_id("deploy", f"starting {name}"))
    address = versions.address(stage.client, deployable.script, version.id)
    subject = Subject(Environment.STAGING, deployable, version, address)
    http, clock = stage.client.http, stage.client.clock
    first = health.await_version(http, subject, clock)
    at_once, in_turn = declared.asked_in(subject.environment, deployable.worker)
    asked = [declared.run(http, subject, one, stored, clock) for one in at_once]
    asked += declared.steps(http, subject, in_turn, stored, clock)
    return _together(name, [*([first] if first.outcome is Outcome.FAIL else []), *asked], deployable.worker.name)


def _together(name: str, found: list[Check], worker: str) -> Check:
    bad = [f"{one.name}: {one.detail}" for one in found if one.outcome is not Outcome.PASS]
    detail = "; ".join(bad) or f"{len(found)} smoke checks"
    return Check(name, Outcome.of(one.outcome for one in found), detail, worker, sum(one.seconds for one in found))


def _alone(config: Mapping[str, object], database: tuple[str, str, str]) -> dict[str, object]:
    """The configuration with the other database, and without what belongs to one Worker only."""
    old, new, name = database
    kept = {key: value for key, value in config.items() if key not in _NOT_HERE}
    bound = kept.get("d1_databases")
    entries = [dict(entry) for entry in bound] if isinstance(bound, list) else []
    for entry in entries:
        if entry.get("database_id") == old:
            entry |= {"database_id": new, "database_name": name}
    queues = kept.get("queues")
    producers = (
        {"queues": {"producers": queues["producers"]}} if isinstance(queues, dict) and "producers" in queues else {}
    )
    kept.pop("queues", None)
    return {**kept, **producers, "d1_databases": entries, "workers_dev": True}


def _secrets(version: Version) -> tuple[str, ...]:
    return tuple(str(one.get("name")) for one in version.bindings if one.get("type") == _SECRET)


def _stored(stored: Stored, version: Version) -> Stored:
    """Staging's values, and made-up ones for secrets that its store does not have here."""
    made_up = {name: Secret(randomness.token_urlsafe(24)) for name in _secrets(version)}
    return replace(stored, values={**made_up, **stored.values})
