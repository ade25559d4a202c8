"""`backup`: an environment's databases as files, every value in them; and the check of such a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.cloudflare import d1
from cattlegrid.errors import CattlegridError, NotMeasured
from cattlegrid.mirror import keeping, run, schema
from cattlegrid.mirror.engine import OnD1, OnFile
from cattlegrid.mirror.keeping import FileWriter, Manifest
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.pace import Pace
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.mirror.run import Job
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.target import Database
from cattlegrid.release.examine import Place
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened


@dataclass(frozen=True)
class BackedUp:
    file: Path
    manifest: Manifest
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class BackupReport:
    environment: Environment
    files: tuple[BackedUp, ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(check.outcome for one in self.files for check in one.checks)


def backup(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    *,
    into: Path,
    tell: Tell = lambda _: None,
) -> BackupReport:
    """Write each database of the named workers, or of all, into a file under `into`. The database is only read.

    A file that did not come out right is removed. Raises NotMeasured without a database, Failed, ApiError.
    """
    fleet = load(edge.cwd)
    chosen = tuple(worker.name for worker in fleet.named(names))
    with opened(edge, fleet, environment, tell) as (place, _, _):
        databases = dict(_databases(place, chosen))
        if not databases:
            raise NotMeasured("no worker has a database: there is nothing to back up")
        into.mkdir(parents=True, exist_ok=True)
        return BackupReport(
            environment, tuple(_one(edge, place, database, into, tell) for database in databases.values())
        )


def verify(file: Path) -> BackupReport:
    """A backup file against its manifest: bytes, structure, every value."""
    manifest, checks = keeping.verify(file)
    return BackupReport(Environment.named(manifest.environment), (BackedUp(file, manifest, checks),))


def _databases(place: Place, chosen: tuple[str, ...]) -> Iterator[tuple[str, Database]]:
    for name in chosen:
        for database in place.target.workers[name].databases:
            if database.id:
                yield database.id, database


def _one(edge: Edge, place: Place, database: Database, into: Path, tell: Tell) -> BackedUp:
    environment = place.target.environment
    now = edge.clock.now()
    name = database.name or database.id
    file = into / f"{name}-{now:%Y%m%dT%H%M%SZ}.sqlite"
    tell(Event(Phase.STARTED, f"back up {name}", environment))
    started = edge.clock.monotonic()
    keeping.private(file)
    try:
        made = _copied(edge, place, database, file)
    except CattlegridError:
        file.unlink(missing_ok=True)
        raise
    seconds = edge.clock.monotonic() - started
    tell(Event(Phase.FINISHED, f"back up {name}", environment, "", str(file), seconds))
    return made


def _copied(edge: Edge, place: Place, database: Database, file: Path) -> BackedUp:
    source = OnD1(place.client, database.id, database.name, Pace(edge.clock))
    taken = edge.clock.now()
    with OnFile(file) as engine:
        writer = FileWriter(engine)
        found = schema.read(source)
        job = Job(
            source=source,
            writer=writer,
            schema=found,
            rules=KEEP_ALL,
            clock=edge.clock,
            bookmark=lambda: d1.bookmark(place.client, database.id),
            about={"source": database.id},
        )
        copied = run.run(job, Leaks(KEEP_ALL))
        run.forget(writer)
        tables = keeping.digests(engine)
    manifest = Manifest(
        database=database.name,
        database_id=database.id,
        environment=place.target.environment.value,
        taken=taken.isoformat(timespec="seconds"),
        bookmark=job.bookmark(),
        exact=copied.exact,
        schema=found.digest,
        tables=tables,
        sha256=keeping.sha256(file),
    )
    manifest.write(file)
    return BackedUp(file, manifest, tuple(check for check in copied.checks if check.name != "leak scan"))
