"""`backup`: an environment's databases as files, every value in them; and the check of such a file."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cattlegrid.cloudflare import d1
from cattlegrid.errors import CattlegridError, Failed, NotMeasured
from cattlegrid.mirror import keeping, run, schema
from cattlegrid.mirror.engine import OnD1, OnFile
from cattlegrid.mirror.keeping import FileWriter, Manifest
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.mirror.run import Job
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.target import Database
from cattlegrid.release.examine import Place
from cattlegrid.settings import load
from cattlegrid.verbs import sealed
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened

_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class BackedUp:
    file: Path
    manifest: Manifest
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class BackupReport:
    """`failed` are the databases of which there is no file now, and why."""

    environment: Environment
    files: tuple[BackedUp, ...]
    failed: tuple[Check, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(check.outcome for check in (*self.failed, *(c for one in self.files for c in one.checks)))


def backup(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    *,
    into: Path | None = None,
    encrypt: bool = False,
    tell: Tell = lambda _: None,
) -> BackupReport:
    """Write each database of the named workers, or of all, into a file under `into`; else where the settings say. The
    database is only read. With `encrypt`, or recipients in the settings, the files are age's.

    A file that did not come out right is removed, and the others are made all the same: the report fails. Raises
    NotMeasured without a database, UsageError without recipients.
    """
    fleet = load(edge.cwd)
    to = sealed.recipients(fleet) if encrypt or fleet.backup.recipients else ()
    chosen = tuple(worker.name for worker in fleet.named(names))
    with opened(edge, fleet, environment, tell) as (place, _, _):
        databases = dict(_databases(place, chosen))
        if not databases:
            raise NotMeasured("no worker has a database: there is nothing to back up")
        folder = into or fleet.root / fleet.backup.folder
        folder.mkdir(parents=True, exist_ok=True)
        files: list[BackedUp] = []
        failed: list[Check] = []
        for database in databases.values():
            try:
                files.append(_one(edge, place, database, folder, to, tell))
            except CattlegridError as error:
                name = database.name or database.id
                failed.append(Check(f"backup of {name}", Outcome.FAIL, f"there is none: {error.what}"))
        return BackupReport(environment, tuple(files), tuple(failed))


def newest(folder: Path, name: str) -> datetime | None:
    """When the last good backup of the database of this name was taken, by the files in the folder. A file has a
    manifest only when all of it was there and was right.
    """
    found = []
    for file in folder.glob(f"{glob.escape(name)}-*.sqlite*"):
        stamp = file.name.removeprefix(f"{name}-").partition(".")[0]
        manifest = file.with_name(file.name.replace(".sqlite", ".json"))
        with suppress(ValueError):
            taken = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
            found += [taken] if manifest.is_file() else []
    return max(found, default=None)


def verify(edge: Edge, file: Path) -> BackupReport:
    """A backup file against its manifest: bytes, structure, every value. One that is encrypted is opened in memory."""
    with sealed.opened(edge, file) as plain:
        manifest, checks = keeping.verify(plain)
    return BackupReport(Environment.named(manifest.environment), (BackedUp(file, manifest, checks),))


def _databases(place: Place, chosen: tuple[str, ...]) -> Iterator[tuple[str, Database]]:
    for name in chosen:
        for database in place.target.workers[name].databases:
            if database.id:
                yield database.id, database


def _one(edge: Edge, place: Place, database: Database, into: Path, to: tuple[str, ...], tell: Tell) -> BackedUp:
    environment = place.target.environment
    now = edge.clock.now()
    name = database.name or database.id
    file = into / f"{name}-{now.strftime(_STAMP)}.sqlite"
    tell(Event(Phase.STARTED, f"back up {name}", environment))
    started = edge.clock.monotonic()
    if to:
        with sealed.memory() as folder:
            plain = _written(edge, place, database, folder / file.name)
            made = replace(plain, file=sealed.seal(plain.file, into, to))
    else:
        made = _written(edge, place, database, file)
    seconds = edge.clock.monotonic() - started
    tell(Event(Phase.FINISHED, f"back up {name}", environment, "", str(made.file), seconds))
    return made


def _written(edge: Edge, place: Place, database: Database, file: Path) -> BackedUp:
    keeping.private(file)
    try:
        return _right(_copied(edge, place, database, file), database)
    except BaseException:
        file.unlink(missing_ok=True)
        keeping.beside(file).unlink(missing_ok=True)
        raise


def _right(made: BackedUp, database: Database) -> BackedUp:
    wrong = "; ".join(f"{check.name}: {check.detail}" for check in made.checks if check.outcome is not Outcome.PASS)
    if wrong:
        raise Failed(f"what was read is not what the database holds: {wrong}", where=database.name)
    return made


def _copied(edge: Edge, place: Place, database: Database, file: Path) -> BackedUp:
    source = OnD1(place.client, database.id, database.name)
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
