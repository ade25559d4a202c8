"""Smoke of an environment as it is live now, with what the other environment has to say about isolation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import ApiError
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.target import Target
from cattlegrid.release import live, subjects
from cattlegrid.release.smoke import bindings
from cattlegrid.release.smoke.keys import OTHER
from cattlegrid.release.smoke.run import Surroundings, run
from cattlegrid.release.smoke.subject import Subject
from cattlegrid.release.target import deployables
from cattlegrid.secrets import store


@dataclass(frozen=True)
class Place:
    """An environment and the way to it."""

    client: Client
    target: Target


def examine(here: Place, names: tuple[str, ...], around: Surroundings) -> SmokeReport:
    """Smoke of the named workers as they are live now. A worker that is not deployed is not measured."""
    state = live.read_live(here.client, here.target, names)
    found, gaps = subjects.of(here.client, here.target, state)
    complete = replace(around, gaps=(*around.gaps, *gaps))
    return run(here.client.http, found, complete, here.client.clock)


def announced(
    tell: Tell, environment: Environment, work: Callable[[], SmokeReport], *, step: str = "smoke"
) -> SmokeReport:
    """The report of `work`, told with its outcome: a smoke test that ended and did not pass has failed."""
    tell(Event(Phase.STARTED, step, environment))
    report = work()
    phase = Phase.FINISHED if report.outcome is Outcome.PASS else Phase.FAILED
    tell(Event(phase, step, environment, "", f"{report.outcome}: {report.examined}", report.seconds))
    return report


def surroundings(
    fleet: Fleet, here: Place, other: Place | None, environ: Mapping[str, str], why_not: str = ""
) -> Surroundings:
    """What isolation is judged by. Without a way to the other environment (`why_not`) that part is not measured."""
    environment = here.target.environment
    production: tuple[Subject, ...] = ()
    gaps: tuple[Check, ...] = ()
    if environment is Environment.STAGING and any(worker.auth for worker in fleet.workers):
        production, gaps = _production(other, why_not)
    return Surroundings(
        fleet=fleet,
        stored=store.read(fleet, environment, environ),
        other_stored=store.read(fleet, OTHER[environment], environ),
        owned_by_other=bindings.owned(deployables(fleet, OTHER[environment]).values()),
        production=production,
        gaps=gaps,
    )


def _production(other: Place | None, why_not: str) -> tuple[tuple[Subject, ...], tuple[Check, ...]]:
    name = "staging's keys are refused by production"
    if other is None:
        return (), (Check(name, Outcome.NOT_MEASURED, why_not),)
    try:
        state = live.read_live(other.client, other.target, other.target.workers)
        return subjects.of(other.client, other.target, state)[0], ()
    except ApiError as error:
        return (), (Check(name, Outcome.NOT_MEASURED, f"production cannot be read: {error.what}"),)
