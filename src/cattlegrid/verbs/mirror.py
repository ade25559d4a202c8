"""`mirror`: production's data into staging, masked and verified; then staging is switched to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.d1 import Listed
from cattlegrid.database import marker
from cattlegrid.errors import MissingCredential, NotMeasured
from cattlegrid.mirror import destination, policy, run, schema, shapes
from cattlegrid.mirror.copying import Tally
from cattlegrid.mirror.destination import Switched
from cattlegrid.mirror.engine import OnD1
from cattlegrid.mirror.estimate import Estimate, estimate
from cattlegrid.mirror.keyed import fingerprint
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.policy import Open, Resolved
from cattlegrid.mirror.run import Copied, Job
from cattlegrid.mirror.schema import Schema
from cattlegrid.mirror.staging import StagingWriter
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Database
from cattlegrid.release.examine import Place
from cattlegrid.secrets import store
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened

if TYPE_CHECKING:
    from cattlegrid.verbs.deploy import DeployReport

Listen = Callable[[str, Tally], None]


@dataclass(frozen=True)
class Options:
    """`tables`, or patterns, are the only ones whose rows are copied. `in_place` loads into staging's own database,
    with Time Travel as the undo, instead of into a new one. `sample` is how many rows of each table, and those that
    they refer to; 0 is all.
    """

    dry_run: bool = False
    in_place: bool = False
    deploy: bool = True
    tables: tuple[str, ...] = ()
    sample: int = 0


@dataclass(frozen=True)
class Pair:
    """One database in both environments, and the workers that bind it. `configs` are their wrangler files."""

    binding: str
    workers: tuple[str, ...]
    configs: tuple[str, ...]
    production: Database
    staging: Database

    @property
    def name(self) -> str:
        return self.staging.name or self.staging.id


@dataclass(frozen=True)
class Surveyed:
    """A pair with what production's side holds and what `[mirror]` makes of it."""

    pair: Pair
    source: OnD1
    schema: Schema
    resolved: Resolved


@dataclass(frozen=True)
class Mirrored:
    """`into` is the database that holds the copy now; `undo` a bookmark of it as it was, when it was loaded in place.

    `replaced` is kept until the next mirror; `dropped` are older ones that are gone.
    """

    pair: Pair
    into: str
    into_id: str
    undo: str
    replaced: str
    dropped: tuple[str, ...]
    copied: Copied
    calls: int
    rows_read: int
    rows_written: int


@dataclass(frozen=True)
class MirrorReport:
    environment: Environment
    estimates: tuple[tuple[str, Estimate], ...]
    databases: tuple[Mirrored, ...] = ()
    files: tuple[str, ...] = ()
    deployed: DeployReport | None = None

    @property
    def outcome(self) -> Outcome:
        """A dry run examined nothing that could fail: it passes when the plan could be made."""
        if not self.databases:
            return Outcome.PASS
        outcomes = [one.copied.outcome for one in self.databases]
        return Outcome.of([*outcomes, *([self.deployed.outcome] if self.deployed is not None else [])])


@dataclass(frozen=True)
class PlanReport:
    """What becomes of each column, and the columns that nobody decided on."""

    environment: Environment
    open: tuple[tuple[str, tuple[Open, ...]], ...]
    decided: tuple[tuple[str, str, str], ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome.FAIL if any(columns for _, columns in self.open) else Outcome.PASS


def plan(edge: Edge, names: tuple[str, ...] = ()) -> PlanReport:
    """What `[mirror]` decides, and lines to add for what it does not. Reads production's schema, and counts of how many
    values of undecided columns have which form; no value.
    """
    with surveyed(edge, names) as ground:
        return PlanReport(
            Environment.PRODUCTION,
            tuple(
                (one.pair.production.name, shapes.proposed(one.source, one.resolved.open)) for one in ground.surveyed
            ),
            tuple(
                (one.pair.production.name, f"{table}.{column}", rule)
                for one in ground.surveyed
                for table, its in one.resolved.rules.tables.items()
                for column, rule in its.words.items()
            ),
        )


def mirror(
    edge: Edge,
    names: tuple[str, ...] = (),
    options: Options = Options(),
    *,
    tell: Tell = lambda _: None,
    listen: Listen = lambda _name, _tally: None,
) -> MirrorReport:
    """Mirror the databases of the named workers, or of all.

    Raises Refused for undecided columns and for a database that is not staging's, before anything is written; Failed
    with table and key range. The same command goes on where an interrupted one ended.
    """
    with surveyed(edge, names, options.tables, tell) as ground:
        for one in ground.surveyed:
            policy.refuse_open(one.resolved, f"database {one.pair.production.name}")
        if options.dry_run:
            estimates = tuple((one.pair.production.name, _estimate(one, options.sample)) for one in ground.surveyed)
            return MirrorReport(Environment.STAGING, estimates)
        done = []
        for one in ground.surveyed:
            tell(Event(Phase.STARTED, f"mirror {one.pair.production.name}", Environment.STAGING))
            started = edge.clock.monotonic()
            made = _one(ground, one, options, listen)
            done.append(made)
            said = f"{made.copied.rows} rows into {made.into}"
            spent = edge.clock.monotonic() - started
            tell(Event(Phase.FINISHED, f"mirror {one.pair.production.name}", Environment.STAGING, "", said, spent))
        report = MirrorReport(Environment.STAGING, (), tuple(done))
        if options.in_place or report.outcome is not Outcome.PASS:
            return report
        files = destination.switch(ground.fleet.root, [switched for one in done for switched in _switched(one)])
    if not options.deploy:
        return replace(report, files=files)
    from cattlegrid.verbs.deploy import deploy  # noqa: PLC0415 - a fifth of the start, and in place nothing is deployed

    workers = tuple(dict.fromkeys(worker for one in done for worker in one.pair.workers))
    return replace(report, files=files, deployed=deploy(edge, Environment.STAGING, workers, tell=tell))


@dataclass(frozen=True)
class Ground:
    """Both environments, the fleet's rules and the key to mask with."""

    edge: Edge
    fleet: Fleet
    staging: Place
    production: Place
    key: Secret
    surveyed: tuple[Surveyed, ...]


@contextmanager
def surveyed(
    edge: Edge, names: tuple[str, ...], tables: tuple[str, ...] = (), tell: Tell = lambda _: None
) -> Iterator[Ground]:
    """Production's databases, read but for their rows. Raises NotMeasured when there is none in both environments."""
    fleet = load(edge.cwd)
    chosen = tuple(worker.name for worker in fleet.named(names))
    with opened(edge, fleet, Environment.STAGING, tell) as (staging, production, why_not):
        if production is None:
            raise MissingCredential(why_not, next="export a token that may read production's databases")
        key = _key(edge, fleet)
        pairs = _pairs(staging, production, chosen)
        found = tuple(_survey(fleet, production, pair, key, tables) for pair in pairs)
        yield Ground(edge, fleet, staging, production, key, found)


def _key(edge: Edge, fleet: Fleet) -> Secret:
    name = fleet.mirror.key
    if edge.environ.get(name):
        return Secret(edge.environ[name])
    stored = store.read(fleet, Environment.PRODUCTION, edge.environ)
    if name in stored.values:
        return stored.values[name]
    raise MissingCredential(
        f"there is no key to mask with: {name} is neither set nor in production's secrets",
        next=f"add {name} to secrets.production-only and to {stored.place}: openssl rand -hex 32",
    )


def _pairs(staging: Place, production: Place, chosen: Sequence[str]) -> tuple[Pair, ...]:
    found: dict[str, Pair] = {}
    for name in chosen:
        here, there = staging.target.workers[name], production.target.workers[name]
        theirs = {database.binding: database for database in there.databases}
        for database in here.databases:
            other = theirs.get(database.binding)
            if other is None or not other.id or not database.id:
                continue
            known = found.get(database.id)
            workers = (*(known.workers if known else ()), name)
            configs = (*(known.configs if known else ()), here.worker.config)
            found[database.id] = Pair(database.binding, workers, configs, other, database)
    if not found:
        raise NotMeasured("no worker has a database in both environments: there is nothing to mirror")
    return tuple(found.values())


def _survey(fleet: Fleet, production: Place, pair: Pair, key: Secret, tables: tuple[str, ...]) -> Surveyed:
    source = OnD1(production.client, pair.production.id, pair.production.name)
    found = schema.read(source)
    ledgers = (*policy.LEDGERS, pair.production.table)
    settings = policy.only(fleet.mirror, found, (*tables, *ledgers)) if tables else fleet.mirror
    return Surveyed(pair, source, found, policy.resolve(found, settings, key, ledgers))


def _estimate(one: Surveyed, sample: int) -> Estimate:
    rules = one.resolved.rules
    filled = [table for table in one.schema.filled if table.name not in rules.empty]
    return estimate(one.schema, filled, run.planned_of(one.source, filled, rules.blank, sample))


def _one(ground: Ground, one: Surveyed, options: Options, listen: Listen) -> Mirrored:
    staging, production, pair = ground.staging, ground.production, one.pair
    own = Listed(pair.staging.id, pair.name, "")
    into = own if options.in_place else _fresh(ground, pair)
    writer = StagingWriter(staging.target, production.target, staging.client, into.id, into.name)
    undo = destination.undo(staging.client, writer) if options.in_place else ""
    job = Job(
        source=one.source,
        writer=writer,
        schema=one.schema,
        rules=one.resolved.rules,
        clock=ground.edge.clock,
        bookmark=lambda: d1.bookmark(production.client, pair.production.id),
        about={"source": pair.production.id, "key": fingerprint(ground.key)},
        notes={"undo": undo},
        sample=options.sample,
        own=None if options.in_place else OnD1(staging.client, pair.staging.id, pair.name),
    )
    leaks = Leaks(one.resolved.rules, frozenset(ground.fleet.mirror.accept))
    copied = _run(job, leaks, lambda tally: listen(pair.production.name, tally), undo, writer)
    switching = copied.outcome is Outcome.PASS and not options.in_place
    return Mirrored(
        pair=pair,
        into=into.name,
        into_id=into.id,
        undo=undo,
        replaced=pair.name if switching else "",
        dropped=destination.drop_old(staging.client, pair.staging, into) if switching else (),
        copied=copied,
        calls=one.source.bill.calls + writer.engine.bill.calls,
        rows_read=one.source.bill.rows_read + writer.engine.bill.rows_read,
        rows_written=writer.engine.bill.rows_written,
    )


def _run(job: Job, leaks: Leaks, listen: Callable[[Tally], None], undo: str, writer: StagingWriter) -> Copied:
    """The copy. In place, staging is taken back to what it was whenever the copy does not come out right; a new one
    with a leak or a fault in it is dropped, so that nobody takes it up again. One that was interrupted stays.
    """
    fine = False
    try:
        copied = run.run(job, leaks, listen)
        fine = copied.outcome is Outcome.PASS
    finally:
        if undo and not fine:
            d1.restore(writer.engine.client, writer.engine.id, undo)
    if fine:
        run.forget(writer)
    elif not undo:
        d1.drop(writer.engine.client, writer.engine.id)
    return copied


def _fresh(ground: Ground, pair: Pair) -> Listed:
    client = ground.staging.client

    def mark(new: Listed) -> None:
        marker.mark(client, replace(pair.staging, id=new.id, name=new.name), Environment.STAGING)

    return destination.fresh(client, pair.staging, ground.edge.clock.now(), mark)


def _switched(one: Mirrored) -> list[Switched]:
    new = Listed(one.into_id, one.into, "")
    return [Switched(config, one.pair.staging, new) for config in one.pair.configs]
