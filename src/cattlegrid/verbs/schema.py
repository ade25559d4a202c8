"""`schema diff`: structure in commit, staging and production. `schema lint`: what files would do to full tables."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cattlegrid.database import migrations, state
from cattlegrid.database.bound import Bound, bound
from cattlegrid.database.schema import lint, local, parity, read
from cattlegrid.database.schema.differ import Difference, differences
from cattlegrid.database.schema.lint import Finding
from cattlegrid.database.schema.local import Built, CannotBuild
from cattlegrid.database.schema.look import Severity
from cattlegrid.database.schema.parity import Side
from cattlegrid.database.schema.structure import Structure
from cattlegrid.errors import CattlegridError, NotMeasured
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database, Deployable
from cattlegrid.release.examine import Place
from cattlegrid.release.parallel import each
from cattlegrid.release.target import deployables
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION


@dataclass(frozen=True)
class DatabaseSchema:
    """One database of the fleet in its three forms. `between` are staging's differences from production.

    `problem` says why the commit's structure is not known; `note` that its files had to be taken in another order.
    """

    workers: tuple[str, ...]
    binding: str
    migrations: int
    counted: str = ""
    sides: tuple[Side, ...] = ()
    between: tuple[Difference, ...] = ()
    note: str = ""
    problem: str = ""

    @property
    def outcome(self) -> Outcome:
        return Outcome.NOT_MEASURED if self.problem else Outcome.of(side.outcome for side in self.sides)


@dataclass(frozen=True)
class SchemaReport:
    """`missing` says which environment was not looked at, and why; empty when all that were asked for were."""

    databases: tuple[DatabaseSchema, ...]
    missing: str = ""

    @property
    def outcome(self) -> Outcome:
        found = [one.outcome for one in self.databases]
        return Outcome.of([*found, Outcome.NOT_MEASURED] if self.missing else found)


def schema_diff(edge: Edge, names: tuple[str, ...] = (), environment: Environment | None = None) -> SchemaReport:
    """Compare the structure that the files here make with staging and production, or with `environment` alone.

    Raises ConfigError, MissingCredential, Refused for a binding without a database.
    """
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    with opened(edge, fleet, environment or STAGING) as (here, other, missing):
        places = [here] if environment is not None or other is None else [here, other]
        lived = {place.target.environment: _bound(place, chosen) for place in places}
        reports = each(lambda one: _compared(places, lived, one), lived[here.target.environment])
    return SchemaReport(tuple(reports), missing if environment is None else "")


def _bound(place: Place, chosen: set[str]) -> tuple[Bound, ...]:
    return bound(worker for name, worker in place.target.workers.items() if name in chosen)


def _compared(places: list[Place], lived: Mapping[Environment, tuple[Bound, ...]], one: Bound) -> DatabaseSchema:
    files = migrations.read(one.database)
    try:
        built = local.build(one.database, files)
    except CannotBuild as error:
        return DatabaseSchema(one.workers, one.database.binding, len(files), problem=str(error))
    pairs = [(place, _same(lived[place.target.environment], one)) for place in places]
    asked = [(place, database) for place, database in pairs if database is not None]
    structures = each(lambda pair: _structure(pair[0], pair[1]), asked)
    sides = tuple(
        _side(place, database, built, structure) for (place, database), structure in zip(asked, structures, strict=True)
    )
    read_ones = [one for one in structures if isinstance(one, Structure)]
    return DatabaseSchema(
        workers=one.workers,
        binding=one.database.binding,
        migrations=len(files),
        counted=built.structure.counted,
        sides=sides,
        between=differences(*read_ones) if len(read_ones) == 2 else (),
        note=built.note,
    )


def _structure(place: Place, database: Database) -> Structure | CattlegridError:
    try:
        return read.live(place.client, database)
    except CattlegridError as error:
        return error


def _side(place: Place, database: Database, built: Built, structure: Structure | CattlegridError) -> Side:
    environment = place.target.environment
    if isinstance(structure, CattlegridError):
        return Side(environment, database.name or database.id, problem=str(structure))
    return parity.side(place.client, environment, database, built, structure)


def _same(others: tuple[Bound, ...], one: Bound) -> Database | None:
    """The database that the same worker has under the same binding."""
    for other in others:
        if set(other.workers) & set(one.workers) and other.database.binding == one.database.binding:
            return other.database
    return None


@dataclass(frozen=True)
class LintReport:
    """`files` is how many were looked at."""

    findings: tuple[Finding, ...]
    files: int
    statements: int

    @property
    def outcome(self) -> Outcome:
        if not self.files:
            return Outcome.NOT_MEASURED
        return Outcome.FAIL if any(one.severity is Severity.FAILS for one in self.findings) else Outcome.PASS


def schema_lint(edge: Edge, names: tuple[str, ...] = (), *, new: bool = False) -> LintReport:
    """Look at the migration files of the named workers, or of all: from files alone, no credential is needed.

    With `new`, only at those that production does not have yet; that asks production. Raises ConfigError, NotMeasured.
    """
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    applied: dict[Database, frozenset[str]]
    if new:
        with opened(edge, fleet, PRODUCTION) as (place, _, _):
            databases = [one.database for one in _bound(place, chosen)]
            applied = {one: frozenset(state.read(place.client, one).applied) for one in databases}
    else:
        applied = {one: frozenset() for one in _folders(deployables(fleet, STAGING), chosen)}
    found = [lint.lint(database, migrations.read(database), known) for database, known in applied.items()]
    findings = tuple(
        replace(finding, file=os.path.relpath(finding.file, fleet.root)) for one in found for finding in one.findings
    )
    report = LintReport(findings, sum(one.files for one in found), sum(one.statements for one in found))
    if not report.files and not applied:
        raise NotMeasured("no worker has a database", next="cattlegrid schema lint --help")
    return report


def _folders(workers: Mapping[str, Deployable], chosen: set[str]) -> list[Database]:
    """Each folder of migrations once."""
    found = {
        (database.migrations, database.pattern): database
        for name, worker in workers.items()
        if name in chosen
        for database in worker.databases
        if database.migrations is not None
    }
    return list(found.values())
