"""All the checks of one environment, and the report of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import httpx2

from cattlegrid.clock import Clock
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet, HttpCheck
from cattlegrid.release.parallel import each
from cattlegrid.release.smoke import bindings, declared, health, keys, probe
from cattlegrid.release.smoke.subject import Subject
from cattlegrid.secrets import digest
from cattlegrid.secrets.store import Stored


@dataclass(frozen=True)
class Surroundings:
    """What smoke needs beside its subjects: both stores, and the production workers to try staging's keys on.

    `owned_by_other` is what belongs to the other environment; `gaps` are checks that could not be made, and why.
    """

    fleet: Fleet
    stored: Stored
    other_stored: Stored
    owned_by_other: Mapping[bindings.Resource, str]
    production: tuple[Subject, ...] = ()
    gaps: tuple[Check, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """What was found about one worker."""

    http: tuple[Check, ...]
    databases: tuple[Check, ...]
    bindings: tuple[Check, ...]


def run(http: httpx2.Client, subjects: tuple[Subject, ...], around: Surroundings, clock: Clock) -> SmokeReport:
    """Examine every subject, all at once. With no subject the outcome is *not measured*."""
    started = clock.monotonic()
    seen = each(lambda subject: _worker(http, subject, around, clock), subjects)
    checks = [check for worker in seen for check in (*worker.http, *worker.databases, *worker.bindings)]
    checks += _isolation(http, subjects, around) if subjects else []
    return SmokeReport(
        environment=around.stored.environment,
        checks=(*checks, *around.gaps),
        workers=len(subjects),
        databases=sum(_looked(worker.databases) for worker in seen),
        bindings=sum(_looked(worker.bindings) for worker in seen),
        seconds=clock.monotonic() - started,
    )


def _worker(http: httpx2.Client, subject: Subject, around: Surroundings, clock: Clock) -> _Seen:
    read_back = tuple(bindings.run(subject, around.owned_by_other, keys.OTHER[subject.environment]))
    version = health.await_version(http, subject, clock)
    declared_checks, steps = declared.asked_in(subject.environment, subject.deployable.worker)
    if version.outcome is Outcome.FAIL:
        why = "the expected version did not answer"
        skipped = [subject.check(check.name, Outcome.NOT_MEASURED, why) for check in (*declared_checks, *steps)]
        return _Seen((version, *skipped), (), read_back)
    questions: list[Callable[[], list[Check]]] = [
        lambda: probe.run(http, subject, around.stored),
        lambda: keys.refuses_a_made_up_key(http, subject),
        *(partial(_declared, http, subject, check, around.stored, clock) for check in declared_checks),
        lambda: declared.steps(http, subject, steps, around.stored, clock),
    ]
    databases, *others = each(lambda question: question(), questions)
    return _Seen((version, *(check for found in others for check in found)), tuple(databases), read_back)


def _declared(http: httpx2.Client, subject: Subject, check: HttpCheck, stored: Stored, clock: Clock) -> list[Check]:
    return [declared.run(http, subject, check, stored, clock)]


def _isolation(http: httpx2.Client, subjects: tuple[Subject, ...], around: Surroundings) -> list[Check]:
    in_production = around.stored.environment is Environment.PRODUCTION
    production = subjects if in_production else around.production
    staging = around.other_stored if in_production else around.stored
    crossing = each(lambda subject: keys.refuses_the_staging_key(http, subject, staging), production)
    other = () if in_production else production
    live = (
        digest.together(one.version.bindings for one in subjects),
        digest.together(one.version.bindings for one in other),
    )
    same = keys.differ(around.fleet.secrets, (around.stored, around.other_stored), live)
    return [*(check for found in crossing for check in found), *same]


def _looked(checks: tuple[Check, ...]) -> int:
    return sum(check.outcome is not Outcome.NOT_MEASURED for check in checks)
