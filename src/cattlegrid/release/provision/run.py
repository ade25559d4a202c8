"""Making what the plan says, one resource after the other: created, its id written, its marker written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.cloudflare import resources
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.resources import Kind, Resource
from cattlegrid.database.marker import mark
from cattlegrid.errors import CattlegridError
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.release.provision.plan import FREE_DATABASES, Action, ProvisionPlan, Step, at
from cattlegrid.release.provision.wanted import Use
from cattlegrid.wrangler import ids
from cattlegrid.wrangler.spans import Path as Place

_QUOTA = 7406


@dataclass(frozen=True)
class Made:
    """One resource as it is now. `written` are the files that got its id, with the place."""

    kind: Kind
    name: str
    id: str
    created: bool
    marked: bool
    written: tuple[str, ...]


@dataclass(frozen=True)
class Ran:
    """`problem` says what stopped it after `made`; empty when everything is there."""

    made: tuple[Made, ...]
    problem: str = ""
    next: str = ""


def run(client: Client, root: Path, plan: ProvisionPlan, files: Mapping[str, bytes], tell: Tell) -> Ran:
    """`files` are the wrangler files as they were when the plan was made: places in them are only good for these.

    Stops at the first thing that goes wrong: what was made stays, and the next run finds it by its name.
    """
    now = dict(files)
    made: list[Made] = []
    for step in (step for step in plan.steps if step.needed):
        started = client.clock.monotonic()
        title = f"{step.wanted.kind} {step.wanted.name}"
        try:
            one = _one(client, root, plan, step, now)
        except CattlegridError as error:
            tell(Event(Phase.FAILED, "provision", plan.environment, title, "stopped"))
            return Ran(tuple(made), f"{title}: {error}", _next(error))
        made.append(one)
        tell(Event(Phase.FINISHED, "provision", plan.environment, title, said(one), client.clock.monotonic() - started))
    return Ran(tuple(made))


def said(one: Made) -> str:
    words = ["created" if one.created else "found", *(f"id written to {file}" for file in one.written)]
    return ", ".join([*words, "marked"] if one.marked else words)


def _one(client: Client, root: Path, plan: ProvisionPlan, step: Step, now: dict[str, bytes]) -> Made:
    wanted = step.wanted
    created = step.action is Action.CREATE
    found = resources.create(client, wanted.kind, wanted.name, step.traits) if created else step.resource
    if found is None:
        raise AssertionError("a step that creates nothing has a resource")
    if created and wanted.kind is Kind.D1 and step.traits.settings:
        resources.set_replication(client, found.id, step.traits.settings)
    # The marker comes before the id: a file never names a database that does not say whose it is.
    if step.mark and wanted.database is not None:
        mark(client, at(wanted.database, found), plan.environment)
    written = _write(root, wanted.uses, found, now) if not wanted.id else ()
    return Made(wanted.kind, wanted.name, found.id, created, step.mark, written)


def _write(root: Path, uses: tuple[Use, ...], found: Resource, now: dict[str, bytes]) -> tuple[str, ...]:
    files: dict[str, dict[Place, str]] = {}
    for use in uses:
        if use.place:
            files.setdefault(use.file, {})[use.place] = found.id
    for file, places in files.items():
        now[file] = ids.write(root / file, places, before=now[file], shown=file)
    return tuple(f"{file} ({ids.dotted(place)})" for file, places in files.items() for place in places)


def _next(error: CattlegridError) -> str:
    if getattr(error, "number", 0) == _QUOTA:
        return (
            f"the account may have no more databases (the free plan: {FREE_DATABASES}): wrangler d1 list, then delete"
            " one that nobody needs or change the plan, and repeat: it goes on where it stopped"
        )
    return error.next or "cattlegrid provision: it finds what was made and goes on"
