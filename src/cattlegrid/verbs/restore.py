"""`restore`: a backup into a new database, verified, to which the wrangler file is switched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.d1 import Listed
from cattlegrid.database import marker
from cattlegrid.errors import Failed, Refused, UsageError
from cattlegrid.mirror import destination, keeping, run, schema
from cattlegrid.mirror.destination import Switched
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.keeping import Manifest
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.restoring import FreshWriter
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.mirror.run import Job
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Database
from cattlegrid.release.examine import Place
from cattlegrid.settings import load
from cattlegrid.verbs import sealed
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened


@dataclass(frozen=True)
class RestoreReport:
    """`database` is the new one; `files` are the wrangler files that name it now."""

    environment: Environment
    database: str
    database_id: str
    replaced: str
    checks: tuple[Check, ...]
    files: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(check.outcome for check in self.checks)


def restore(
    edge: Edge, file: Path, environment: Environment, *, worker: str, binding: str = "DB", tell: Tell = lambda _: None
) -> RestoreReport:
    """Load the file into a new database, read all of it back, and only then write its id into the wrangler file.

    Nothing that exists is written to. Raises Refused for production's real values going to staging, UsageError for an
    unknown binding, Failed when the file or the copy is not what the manifest says. An encrypted file is opened in
    memory.
    """
    fleet = load(edge.cwd)
    fleet.named((worker,))
    with sealed.opened(edge, file) as plain:
        return _restore(edge, fleet, plain, environment, worker, binding, tell)


def _restore(
    edge: Edge, fleet: Fleet, file: Path, environment: Environment, worker: str, binding: str, tell: Tell
) -> RestoreReport:
    manifest, checks = keeping.verify(file)
    if Outcome.of(check.outcome for check in checks) is not Outcome.PASS:
        raise Failed(
            "the file is not what its manifest says", where=str(file), next=f"cattlegrid backup --verify {file}"
        )
    if manifest.environment == Environment.PRODUCTION and environment is Environment.STAGING:
        raise Refused(
            "the file holds production's values, unmasked; staging gets production's data masked",
            where=str(file),
            next="cattlegrid mirror",
        )
    with opened(edge, fleet, environment, tell) as (place, _, _):
        old = _database(place, worker, binding)
        tell(Event(Phase.STARTED, f"restore {file.name}", environment))
        started = edge.clock.monotonic()
        writer = _writer(edge, place, old)
        found = _load(edge, file, writer, manifest)
        seconds = edge.clock.monotonic() - started
        tell(Event(Phase.FINISHED, f"restore {file.name}", environment, "", writer.database.name, seconds))
        config = place.target.workers[worker].worker.config
        fine = Outcome.of(check.outcome for check in found) is Outcome.PASS
        files = destination.switch(fleet.root, [Switched(config, old, writer.database)]) if fine else ()
        return RestoreReport(environment, writer.database.name, writer.database.id, old.name, (*checks, *found), files)


def _database(place: Place, worker: str, binding: str) -> Database:
    for database in place.target.workers[worker].databases:
        if database.binding == binding and database.id:
            return database
    raise UsageError(f"worker {worker} has no database bound as {binding}", next="name one with --binding")


def _writer(edge: Edge, place: Place, old: Database) -> FreshWriter:
    environment = place.target.environment

    def mark(new: Listed) -> None:
        marker.mark(place.client, Database(old.binding, new.id, new.name, None), environment)

    name = destination.stamped(old.name, "restored", edge.clock.now())
    return FreshWriter(place.client, name, mark)


def _load(edge: Edge, file: Path, writer: FreshWriter, manifest: Manifest) -> tuple[Check, ...]:
    with OnFile(file, read_only=True) as source:
        job = Job(
            source=source,
            writer=writer,
            schema=schema.read(source),
            rules=KEEP_ALL,
            clock=edge.clock,
            bookmark=lambda: "a file",
            about={"source": str(file)},
        )
        copied = run.run(job, Leaks(KEEP_ALL))
        run.forget(writer)
    checks = tuple(check for check in copied.checks if check.name != "leak scan")
    return (*checks, keeping.compare(writer.engine, manifest), _listed(writer))


def _listed(writer: FreshWriter) -> Check:
    found = d1.named(writer.engine.client, writer.database.name)
    there = found is not None and found.id == writer.database.id
    return Check("new database", Outcome.PASS if there else Outcome.FAIL, writer.database.name)
