"""Where the environments stand, side by side: what runs, whether it is the same, what is missing, what to type next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cattlegrid.database import apply, migrations, state
from cattlegrid.database.schema import parity
from cattlegrid.errors import CattlegridError
from cattlegrid.model.environment import Environment
from cattlegrid.model.stamp import DIGITS
from cattlegrid.model.target import Database
from cattlegrid.model.version import Version
from cattlegrid.release.examine import Place
from cattlegrid.release.live import Live, read_one
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion import marks


@dataclass(frozen=True)
class Running:
    """One worker in one environment. `deployed` is None when it was never deployed; `problem` when it cannot be read.

    `secret`: who changed one since the code was deployed. `waiting`: a version at 0 %. `stage`: how far a promotion
    came (ahead, live, verified, returned, held), or empty. `good`: the version last verified by one, or empty.
    """

    script: str
    version: str = ""
    number: int = 0
    commit: str = ""
    dirty: bool = False
    code: str = ""
    deployed: datetime | None = None
    author: str = ""
    drift: str = ""
    waiting: str = ""
    stage: str = ""
    release: str = ""
    secret: str = ""
    good: str = ""
    problem: str = ""


@dataclass(frozen=True)
class DatabaseStanding:
    """One database: its marker, how many migrations it has, and the files here that it lacks.

    `by_hand` says what no migration in its ledger made: somebody ran SQL there.
    """

    environment: Environment
    worker: str
    binding: str
    name: str
    marker: str = ""
    applied: int = 0
    pending: tuple[str, ...] = ()
    problem: str = ""
    by_hand: str = ""

    @property
    def handmade(self) -> str:
        """What was run by hand there, as a sentence; empty for nothing."""
        return f"SQL was run by hand on {self.name}: {self.by_hand}" if self.by_hand else ""


@dataclass(frozen=True)
class WorkerStanding:
    """`same_code` and `next` are about going from staging to production."""

    worker: str
    staging: Running | None
    production: Running | None

    @property
    def same_code(self) -> bool:
        """Whether both run the same bytes."""
        pair = (self.staging, self.production)
        return all(one is not None and one.code for one in pair) and len({one.code for one in pair if one}) == 1


def read(places: Mapping[Environment, Place]) -> tuple[tuple[WorkerStanding, ...], tuple[DatabaseStanding, ...]]:
    """Every worker and database of every place, all asked at once."""
    questions: list[Callable[[], Running | DatabaseStanding]] = []
    keys: list[tuple[Environment, str]] = []
    for environment, place in places.items():
        for name, worker in place.target.workers.items():
            keys.append((environment, name))
            questions.append(partial(_running, place, worker.script))
            for database in worker.databases:
                keys.append((environment, name))
                questions.append(partial(_database, place, name, database))
    answers = each(lambda question: question(), questions, limit=32)
    running = {key: one for key, one in zip(keys, answers, strict=True) if isinstance(one, Running)}
    names = dict.fromkeys(name for _, name in keys)
    workers = tuple(
        WorkerStanding(name, running.get((Environment.STAGING, name)), running.get((Environment.PRODUCTION, name)))
        for name in names
    )
    return workers, tuple(one for one in answers if isinstance(one, DatabaseStanding))


def _running(place: Place, script: str) -> Running:
    try:
        return of_live(read_one(place.client, script))
    except CattlegridError as error:
        return Running(script, problem=str(error))


def of_live(live: Live) -> Running:
    if live.version is None or live.deployment is None:
        return Running(live.script)
    mark = marks.read(live.deployment.message)
    return Running(
        script=live.script,
        version=live.version.id,
        number=live.version.number,
        commit=live.stamp.commit if live.stamp is not None else "",
        dirty=live.stamp is not None and live.stamp.dirty,
        code=live.stamp.digests.code[:DIGITS] if live.stamp is not None else "",
        deployed=live.deployment.created_on,
        author=live.deployment.author,
        drift=live.drift or "",
        waiting=live.waiting[0] if live.waiting else "",
        stage=mark.stage if mark is not None else "",
        release=mark.release if mark is not None else "",
        secret=_secret(live.version) if live.drift is None else "",
        good=live.good,
    )


def _secret(version: Version) -> str:
    """Not drift: the code is the stamped one."""
    if version.stamp is not None:
        return ""
    return f"a secret was changed by {version.author or 'somebody'} at {version.created_on:%Y-%m-%d %H:%M} UTC"


def _database(place: Place, worker: str, database: Database) -> DatabaseStanding:
    environment, name = place.target.environment, database.name or database.id
    if not database.id:
        return DatabaseStanding(environment, worker, database.binding, name, problem="names no database_id")
    try:
        found = state.read(place.client, database)
        files = migrations.read(database)
        planned = apply.plan(found, files, environment)
        # A ledger that names files which are not here cannot be judged by those that are.
        told = parity.beside_files(place.client, environment, database, files, found) if not planned.unknown else None
    except CattlegridError as error:
        return DatabaseStanding(environment, worker, database.binding, name, problem=str(error))
    pending = tuple(migration.name for migration in planned.pending)
    return DatabaseStanding(
        environment=environment,
        worker=worker,
        binding=database.binding,
        name=name,
        marker=found.marker or "",
        applied=len(found.applied),
        pending=pending,
        by_hand=told.by_hand if told is not None else "",
    )


def by_hand(place: Place, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Sentences by worker: what SQL was run by hand on its databases, and which of these could not be looked at."""
    asked = [(name, database) for name in names for database in place.target.workers[name].databases if database.id]
    found = each(lambda pair: _database(place, *pair), asked, limit=32)
    told: dict[str, list[str]] = {name: [] for name in names}
    for one in found:
        if one.handmade:
            told[one.worker].append(one.handmade)
        if one.problem:
            told[one.worker].append(f"database {one.name} was not looked at: {one.problem}")
    return {name: tuple(sentences) for name, sentences in told.items()}


def next_command(workers: tuple[WorkerStanding, ...], databases: tuple[DatabaseStanding, ...]) -> tuple[str, str]:
    """What to type next, and why."""
    for rule in (_unreadable, _unfinished, _not_deployed, _drifted, _held):
        if found := rule(workers):
            return found
    handmade = [one for one in databases if one.by_hand]
    if handmade:
        one = handmade[0]
        command = f"cattlegrid schema diff --env {one.environment}"
        return command, f"{one.handmade}; undo it, or write the migration for it"
    lacking = [one for one in databases if one.pending and one.environment is Environment.STAGING]
    if lacking:
        return "cattlegrid deploy", f"{lacking[0].name} lacks {lacking[0].pending[0]}"
    if behind := _behind(workers):
        return behind
    if any(worker.production is None for worker in workers):
        return "", "staging stands well; production was not looked at"
    return "", "production runs what staging runs"


def _unreadable(workers: tuple[WorkerStanding, ...]) -> tuple[str, str] | None:
    bad = [one for worker in workers for one in (worker.staging, worker.production) if one is not None and one.problem]
    return ("cattlegrid status", f"not everything could be read: {bad[0].problem}") if bad else None


def _unfinished(workers: tuple[WorkerStanding, ...]) -> tuple[str, str] | None:
    for worker in workers:
        production = worker.production
        if production is not None and production.waiting:
            waits = f"version {production.waiting[:8]} of {worker.worker} waits at 0 % in production"
            return "cattlegrid promote", f"a promotion has not ended: {waits}{_since(production)}"
        if production is not None and production.stage == "live":
            unproven = f"{worker.worker} is live and not verified{_since(production)}"
            return "cattlegrid promote", f"a promotion has not ended: {unproven}"
    return None


def _since(running: Running) -> str:
    return f" since {running.deployed:%H:%M:%S} UTC" if running.deployed is not None else ""


def _not_deployed(workers: tuple[WorkerStanding, ...]) -> tuple[str, str] | None:
    absent = [worker.worker for worker in workers if worker.staging is not None and not worker.staging.version]
    return ("cattlegrid deploy", f"{', '.join(absent)} not deployed in staging") if absent else None


def _drifted(workers: tuple[WorkerStanding, ...]) -> tuple[str, str] | None:
    for worker in workers:
        if worker.staging is not None and worker.staging.drift:
            return "cattlegrid deploy", f"{worker.worker} drifted in staging: {worker.staging.drift}"
        if worker.staging is not None and worker.staging.dirty:
            return "git commit, then cattlegrid deploy", f"{worker.worker} runs uncommitted files in staging"
        if worker.production is not None and worker.production.drift:
            why = f"{worker.worker} drifted in production: {worker.production.drift}"
            replaced = "cattlegrid promote --replace-drift"
            return f"cattlegrid rollback, or {replaced}" if worker.production.good else replaced, why
    return None


def _held(workers: tuple[WorkerStanding, ...]) -> tuple[str, str] | None:
    for worker in workers:
        production = worker.production
        if production is not None and production.stage == "held":
            why = f"{worker.worker} was rolled back, and production is held until somebody lifts it"
            return f"cattlegrid unhold {production.release}", why
    return None


def _behind(workers: tuple[WorkerStanding, ...]) -> tuple[str, str] | None:
    behind = [worker.worker for worker in workers if worker.production is not None and not worker.same_code]
    return ("cattlegrid promote", f"production is behind staging: {', '.join(behind)}") if behind else None
