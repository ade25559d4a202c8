"""One database from production into another, from the discovery of its tables to the last check."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cattlegrid.clock import Clock
from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.errors import CattlegridError, Failed, StalePlan
from cattlegrid.mirror import copying, parcels, progress, sample, scanning, schema, structure, values
from cattlegrid.mirror.copying import Road, Tally
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.rows import Blank
from cattlegrid.mirror.rules import KEEP_ALL, Rules
from cattlegrid.mirror.schema import Schema, Table, quoted
from cattlegrid.mirror.structure import Writer
from cattlegrid.model.check import Check, Outcome

_PASSES = 3
_OWN = 1_000_000_000


@dataclass(frozen=True)
class Job:
    """`bookmark` asks where Time Travel stands in the source now: equal answers mean that nothing was written between.

    `own` is what staging works on now: the rows of tables that staging keeps come from there. `sample` is how many rows
    of each table are copied, and those that they refer to; 0 is all.
    `about` is written beside the progress, and must be equal for an interrupted run to be taken up again; `notes` are
    written there too.
    """

    source: Engine
    writer: Writer
    schema: Schema
    rules: Rules
    clock: Clock
    bookmark: Callable[[], str]
    about: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    own: Engine | None = None
    target_bytes: int = parcels.TARGET
    sample: int = 0


@dataclass(frozen=True)
class TableDone:
    """`digest` is over the digests of the table's ranges; `bytes` as planned."""

    table: str
    rows: int
    bytes: int
    digest: str
    masks: Mapping[str, str]
    ranges: int


@dataclass(frozen=True)
class Copied:
    """`exact` says that all rows are of one moment; `interval` how long the copy saw production change, in words."""

    tables: tuple[TableDone, ...]
    checks: tuple[Check, ...]
    exact: bool
    interval: str
    resumed: int
    mended: tuple[str, ...]
    recopied: int
    seconds: Mapping[str, float]
    samples: tuple[tuple[float, int, int], ...]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        return sum(table.bytes for table in self.tables)

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(check.outcome for check in self.checks)


def run(job: Job, leaks: Leaks, listen: Callable[[Tally], None] = lambda _: None) -> Copied:
    """Copy, catch up with what changed meanwhile, build what belongs to full tables, and check all of it.

    Raises Refused when the database written to is not staging's, Failed with table and key range, ApiError.
    """
    filled = [table for table in job.schema.filled if table.name not in job.rules.empty]
    left = _left(job)
    structure.begin(job.writer, job.schema)
    if left is None:
        planned = planned_of(job.source, filled, job.rules.blank, job.sample, job.target_bytes)
        about = {**_what(job), "bookmark": job.bookmark()}
        job.writer.write(progress.plan(planned, {**job.notes, **about}))
        chunks, first_bookmark = planned, about["bookmark"]
    else:
        chunks, first_bookmark = left[1], left[0]["bookmark"]
    road = _road(job, filled, leaks, chunks, listen)
    resumed = sum(chunk.verified for chunk in chunks)
    done = copying.copy(road, parcels.parcels(filled, chunks, job.target_bytes))
    done, recopied, exact, interval = _catch_up(job, road, filled, done, first_bookmark)
    kept = _keep_own(job)
    started = job.clock.monotonic()
    structure.finish(job.writer, job.schema, job.rules.empty)
    started = road.tally.spent("finish", started)
    if leaks.rules.tables:
        scanning.scan(road, leaks, [chunk for chunk in chunks if chunk.verified], done, job.target_bytes)
    checks = (*_checks(job, filled, done), *leaks.checks())
    road.tally.spent("check", started)
    return Copied(
        tables=(*(_table_done(job, table, mine) for table, mine in _by_table(filled, done)), *kept),
        checks=checks,
        exact=exact,
        interval=interval,
        resumed=resumed,
        mended=tuple(road.tally.mended),
        recopied=recopied,
        seconds=dict(road.tally.seconds),
        samples=tuple(road.tally.samples),
    )


def forget(writer: Writer) -> None:
    """Drops the record of the progress: the last thing of a mirror that is done."""
    writer.write(list(progress.DROP))


def planned_of(
    source: Engine, tables: Sequence[Table], blank: Blank, some: int, target: int = parcels.TARGET
) -> list[Chunk]:
    """The ranges to copy: of all rows, or with `some` of a sample."""
    if some:
        return sample.plan(source, tables, blank, some, target)
    return parcels.plan(source, tables, blank, target)


def _what(job: Job) -> dict[str, str]:
    """What is being mirrored, and how: equal for runs that may take up each other's work."""
    about = {**job.about, "schema": job.schema.digest, "rules": job.rules.digest}
    return {**about, "sample": str(job.sample)} if job.sample else about


def _left(job: Job) -> tuple[dict[str, str], list[Chunk]] | None:
    """What an interrupted run of the same mirror left; of another one, everything is cleared away."""
    left = progress.read(job.writer.engine)
    same = _what(job)
    if left is not None and left[0].get("bookmark") and all(left[0].get(name) == value for name, value in same.items()):
        return left
    structure.clear(job.writer)
    return None


def _road(
    job: Job, filled: Sequence[Table], leaks: Leaks, chunks: Sequence[Chunk], listen: Callable[[Tally], None]
) -> Road:
    tally = Tally(job.clock, listen=listen)
    tally.total_rows = sum(chunk.range.rows for chunk in chunks)
    tally.total_bytes = sum(chunk.range.bytes for chunk in chunks)
    verified = [chunk.range for chunk in chunks if chunk.verified]
    tally.rows, tally.bytes = sum(one.rows for one in verified), sum(one.bytes for one in verified)
    tables = {table.name: table for table in filled}
    return Road(job.source, job.writer, tables, job.rules, tally, leaks.original, leaks.written)


def _catch_up(
    job: Job, road: Road, filled: Sequence[Table], done: list[Chunk], bookmark: str
) -> tuple[list[Chunk], int, bool, str]:
    """Reads production again until a whole pass differs in nothing: then all rows are of the moment between the passes.

    Where the bookmark did not move, nothing was written and there is nothing to read again.
    """
    recopied = 0
    first = bookmark
    for _ in range(_PASSES):
        now = job.bookmark()
        if now == bookmark:
            return done, recopied, True, ""
        if schema.read(job.source).digest != _whole_digest(job):
            raise StalePlan(
                "production's schema changed while it was mirrored", where=job.source.name, next="cattlegrid mirror"
            )
        changed = _changed(job, road, filled, done)
        bookmark = now
        if not changed:
            return done, recopied, True, ""
        recopied += len(changed)
        fresh = copying.copy(road, parcels.parcels(filled, changed, job.target_bytes))
        by_number = {chunk.number: chunk for chunk in fresh}
        done = [by_number.get(chunk.number, chunk) for chunk in done]
        done = _still_there(job, road, filled, done)
    return done, recopied, False, f"production was written to all the while, from {first} to {bookmark}"


def _keep_own(job: Job) -> tuple[TableDone, ...]:
    """Copies the rows that staging has of the tables it keeps, where they have the same shape there."""
    wanted = [table for table in job.schema.filled if table.name in job.rules.kept]
    if job.own is None or not wanted:
        return ()
    there = {table.name: table for table in schema.read(job.own).filled}
    mine = [table for table in wanted if table.name in there and there[table.name].sql == table.sql]
    planned = [replace(one, number=_OWN + one.number) for one in parcels.plan(job.own, mine, {}, job.target_bytes)]
    road = Road(job.own, job.writer, {table.name: table for table in mine}, KEEP_ALL, Tally(job.clock))
    done = copying.copy(road, parcels.parcels(mine, planned, job.target_bytes))
    own = {"*": "staging's own"}
    return tuple(replace(_table_done(job, table, its), masks=own) for table, its in _by_table(mine, done))


def _whole_digest(job: Job) -> str:
    return job.about.get("source_schema") or job.schema.digest


def _changed(job: Job, road: Road, filled: Sequence[Table], done: Sequence[Chunk]) -> list[Chunk]:
    """The chunks whose rows in production are no longer what was copied, not verified any more."""
    changed = []
    for parcel in parcels.parcels(filled, done, job.target_bytes):
        loaded = copying.load(road, parcel.chunks)
        changed += [replace(one.chunk, digest=None) for one in loaded if one.digest != one.chunk.digest]
    return changed


def _still_there(job: Job, road: Road, filled: Sequence[Table], done: Sequence[Chunk]) -> list[Chunk]:
    """Staging read whole once more: replacing parents may have taken children with it (ON DELETE CASCADE)."""
    for _ in range(_PASSES):
        lost: list[Chunk] = []
        for parcel in parcels.parcels(filled, done, job.target_bytes):
            loaded = [copying.Loaded(chunk, [], []) for chunk in parcel.chunks]
            found = zip(parcel.chunks, copying.back(road, loaded), strict=True)
            digests = ((chunk, copying.digest(values.lines(rows))) for chunk, rows in found)
            lost += [replace(chunk, digest=None) for chunk, digest in digests if digest != chunk.digest]
        if not lost:
            return list(done)
        fresh = {chunk.number: chunk for chunk in copying.copy(road, parcels.parcels(filled, lost, job.target_bytes))}
        done = [fresh.get(chunk.number, chunk) for chunk in done]
    raise Failed(
        "rows vanish from staging as others are replaced",
        where=f"table {lost[0].range.table}",
        next="cattlegrid mirror",
    )


def _by_table(tables: Sequence[Table], done: Sequence[Chunk]) -> list[tuple[Table, list[Chunk]]]:
    found: dict[str, list[Chunk]] = {table.name: [] for table in tables}
    for chunk in done:
        found[chunk.range.table].append(chunk)
    return [(table, found[table.name]) for table in tables]


def _table_done(job: Job, table: Table, mine: Sequence[Chunk]) -> TableDone:
    return TableDone(
        table=table.name,
        rows=sum(chunk.range.rows for chunk in mine),
        bytes=sum(chunk.range.bytes for chunk in mine),
        digest=copying.digest([str(chunk.digest) for chunk in mine]),
        masks=dict(job.rules.of(table).words),
        ranges=len(mine),
    )


def _checks(job: Job, filled: Sequence[Table], done: Sequence[Chunk]) -> list[Check]:
    engine = job.writer.engine
    rows = sum(chunk.range.rows for chunk in done)
    checks = [Check("every value read back", Outcome.PASS, f"{rows} rows in {len(done)} ranges")]
    checks.append(_counts(engine, filled, done))
    there = schema.read(engine)
    same = there.digest == job.schema.digest
    detail = f"{len(there.tables)} tables, {len(there.indexes)} indexes, {len(there.triggers)} triggers"
    checks.append(Check("structure", Outcome.PASS if same else Outcome.FAIL, detail))
    for name, sql in (("foreign keys", "PRAGMA foreign_key_check"), ("quick_check", "PRAGMA quick_check")):
        found = engine.run([Statement(sql)])[0].rows
        wrong = [row for row in found if row != ["ok"]]
        checks.append(Check(name, Outcome.FAIL if wrong else Outcome.PASS, _first(wrong)))
    searches = [one for one in job.schema.searches if not one.vocabulary and one.content != ""]
    return [*checks, *(_search(job.writer, one.name) for one in searches)]


def _counts(engine: Engine, filled: Sequence[Table], done: Sequence[Chunk]) -> Check:
    wrong = []
    by_table = _by_table(filled, done)
    for at in range(0, len(by_table), 40):
        some = by_table[at : at + 40]
        found = engine.run([Statement(f"SELECT count(*) FROM {quoted(table.name)}") for table, _ in some])
        for (table, mine), result in zip(some, found, strict=True):
            expected = sum(chunk.range.rows for chunk in mine)
            if result.rows[0][0] != expected:
                wrong.append(f"{table.name} has {result.rows[0][0]} rows instead of {expected}")
    return Check(
        "rows of each table", Outcome.FAIL if wrong else Outcome.PASS, wrong[0] if wrong else f"{len(filled)} tables"
    )


def _search(writer: Writer, name: str) -> Check:
    try:
        writer.write([structure.integrity(name)])
    except CattlegridError as error:
        if error.exit_code != 1:
            raise
        return Check(f"search index {name}", Outcome.FAIL, error.what)
    return Check(f"search index {name}", Outcome.PASS, "the index and its content agree")


def _first(wrong: Sequence[Sequence[object]]) -> str:
    return f"{len(wrong)} rows, first: {json.dumps(list(wrong[0]))}" if wrong else ""
