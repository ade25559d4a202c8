"""From what is live in both environments to a promotion plan, read only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cattlegrid.cloudflare import scripts, versions
from cattlegrid.database import apply, migrations, state
from cattlegrid.database.schema import parity
from cattlegrid.database.schema.parity import Side
from cattlegrid.errors import Refused
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Check, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Database, Deployable, Target
from cattlegrid.release import audit
from cattlegrid.release.deploy.decide import database_steps
from cattlegrid.release.examine import Place
from cattlegrid.release.gate import evaluate
from cattlegrid.release.gate.evaluate import Gate, Said
from cattlegrid.release.gate.manifest import Manifest
from cattlegrid.release.live import Live
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion import candidate, conditions, marks, verified
from cattlegrid.release.promotion.candidate import Part
from cattlegrid.release.promotion.files import at_commit, whole_commit
from cattlegrid.release.promotion.plan import Around, PromotionPlan, PromotionStep, production_stamp, step
from cattlegrid.secrets import push
from cattlegrid.secrets.store import Stored

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION


@dataclass(frozen=True)
class Commits:
    """The candidate's workers as their own commits have them, in both environments."""

    staging: Mapping[str, Deployable]
    production: Mapping[str, Deployable]


@dataclass(frozen=True)
class Seen:
    """Everything that a plan is made from. `running` are production's workers as the commits that it runs have them."""

    fleet: Fleet
    repository: Repository
    staging: Place
    production: Place
    parts: tuple[Part, ...]
    staging_live: Mapping[str, Live]
    production_live: Mapping[str, Live]
    commits: Commits
    stored: Stored
    staging_stored: Stored
    gate: Gate
    running: Mapping[str, Deployable]


@dataclass(frozen=True)
class Measured:
    """What was tried for this promotion: staging's smoke, and a rehearsal where the rules ask for one."""

    smoke: SmokeReport
    rehearsal: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Meant:
    """What the person said on the command line."""

    allow_rollback: bool = False
    replace_drift: bool = False
    said: Said = field(default_factory=Said)


def commits(repository: Repository, root: Path, parts: Iterable[Part], into: Path) -> Commits:
    """Read the files of the candidate's commits into `into`. Raises Refused, ConfigError."""
    staging: dict[str, Deployable] = {}
    production: dict[str, Deployable] = {}
    read: dict[str, dict[Environment, dict[str, Deployable]]] = {}
    for part in parts:
        commit = whole_commit(repository, part.stamp.commit, part.worker)
        if commit not in read:
            read[commit] = at_commit(repository, root, commit, into / commit)[1]
        if part.worker not in read[commit][PRODUCTION]:
            raise Refused(f"commit {commit[:12]}, which staging runs, has no such worker", where=part.worker)
        staging[part.worker] = read[commit][STAGING][part.worker]
        production[part.worker] = read[commit][PRODUCTION][part.worker]
    return Commits(staging, production)


def plan(seen: Seen, measured: Measured, meant: Meant) -> PromotionPlan:
    """Raises Refused for a missing secret and for a database that is not production's. Changes nothing."""
    found = each(lambda part: _step(seen, part), seen.parts)
    steps = tuple(one for one in found if one is not None)
    push.refuse_missing(tuple(one.secrets for one in steps), seen.stored)
    return PromotionPlan(
        release=manifest(seen).name,
        rules=seen.gate.rules.described(),
        conditions=_conditions(seen, measured, meant, [one.worker for one in steps]),
        databases=database_steps(seen.production.client, seen.commits.production.values(), PRODUCTION),
        steps=steps,
        unchanged=tuple(part.worker for part, one in zip(seen.parts, found, strict=True) if one is None),
        staging={name: one.version_id for name, one in seen.staging_live.items()},
        production={name: one.version_id for name, one in seen.production_live.items()},
    )


def manifest(seen: Seen) -> Manifest:
    """The candidate in full, as an approval names it."""
    stamps = {part.worker: production_stamp(part, seen.commits.production[part.worker]) for part in seen.parts}
    return Manifest(seen.fleet.name, PRODUCTION.value, candidate.release_name(stamps), seen.gate.pieces)


def target(seen: Seen) -> Target:
    """Production as the candidate's commits have it."""
    return replace(seen.production.target, workers=seen.commits.production)


def _step(seen: Seen, part: Part) -> PromotionStep | None:
    client, deployable = seen.production.client, seen.commits.production[part.worker]
    live = seen.production_live[part.worker]
    newest = versions.newest(client, deployable.script, at_most=1) if live.version is not None else ()
    around = Around(
        live=live,
        newest_version=newest[0].id if newest else "",
        newest_message=newest[0].message if newest else "",
        migration_tag=scripts.migration_tag(client, deployable.script) if deployable.config.get("migrations") else None,
        secrets=push.plan(
            seen.fleet,
            PRODUCTION,
            deployable,
            stored=seen.stored,
            there=push.there(client, deployable.script, live.version.bindings if live.version is not None else ()),
            again=False,
        ),
        good=_good(live),
    )
    return step(part, deployable, around, marks.read(live.deployment.message) if live.deployment is not None else None)


def _good(live: Live) -> str:
    """The version that was last verified in production; with the secrets of today, when only these have changed."""
    marked = live.deployment is not None and verified.good((live.deployment,))
    return live.version_id if live.good and live.kept_code and not marked else live.good


def _conditions(seen: Seen, measured: Measured, meant: Meant, going: list[str]) -> tuple[Check, ...]:
    pending, looked = _pending_in_staging(seen)
    return (
        *candidate.check(seen.staging_live),
        conditions.smoke(measured.smoke),
        conditions.isolation(seen.commits.staging.values(), seen.commits.production.values(), seen.staging_live),
        conditions.migrations(pending, looked),
        conditions.schema(_parity(seen), STAGING),
        conditions.schema(_production_parity(seen), PRODUCTION),
        *measured.rehearsal,
        *conditions.not_older(seen.repository, seen.parts, seen.production_live, allow_rollback=meant.allow_rollback),
        *conditions.drift(seen.production_live, replace_drift=meant.replace_drift),
        *conditions.not_built(seen.gate.rules.gate),
        *_secrets(seen),
        *evaluate.conditions(seen.gate, manifest(seen), seen.staging_live, seen.production_live, going),
    )


def _secrets(seen: Seen) -> tuple[Check, ...]:
    """The audit, where the gate asks for it."""
    if "secrets" not in seen.gate.rules.gate:
        return ()
    ways = {STAGING: audit.Way(seen.staging), PRODUCTION: audit.Way(seen.production)}
    stores = {STAGING: seen.staging_stored, PRODUCTION: seen.stored}
    return (audit.condition(audit.run(seen.fleet, ways, stores, seen.production.client.http)),)


def _databases(workers: Mapping[str, Deployable]) -> dict[str, Database]:
    """By id, each once, however many workers are bound to it."""
    return {database.id: database for one in workers.values() for database in one.databases}


def _pending_in_staging(seen: Seen) -> tuple[dict[str, tuple[str, ...]], int]:
    bound = _databases(seen.commits.staging)

    def pending(database_id: str) -> tuple[str, ...]:
        database = bound[database_id]
        found = apply.plan(state.read(seen.staging.client, database), migrations.read(database), STAGING)
        return tuple(migration.name for migration in found.pending)

    lacking = each(pending, bound)
    return {bound[one].name or one: names for one, names in zip(bound, lacking, strict=True)}, len(bound)


def _parity(seen: Seen) -> list[Side]:
    """Each database of staging beside what the candidate's migrations make of an empty one."""
    bound = _databases(seen.commits.staging)
    migrated = [database for database in bound.values() if database.migrations is not None]

    def one(database: Database) -> Side:
        return parity.beside_files(seen.staging.client, STAGING, database, migrations.read(database))

    return each(one, migrated)


def _production_parity(seen: Seen) -> list[Side]:
    """Each database of production beside what its own ledger says was run there."""
    bound, ran = _databases(seen.commits.production), _databases(seen.running)
    migrated = [database for database in bound.values() if database.id and database.migrations is not None]

    def one(database: Database) -> Side:
        there = state.read(seen.production.client, database)
        for files in (migrations.read(known) for known in (database, ran.get(database.id)) if known is not None):
            if set(there.applied) <= {file.name for file in files}:
                return parity.beside_files(seen.production.client, PRODUCTION, database, files, there)
        problem = "its ledger names files that neither the candidate nor production's commit has"
        return Side(PRODUCTION, database.name or database.id, problem=problem)

    return each(one, migrated)
