"""Running a roll back: what it would meet in the databases, then the deployments, then smoke."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cattlegrid.cloudflare import d1, deployments
from cattlegrid.cloudflare.client import Client
from cattlegrid.database import migrations, state
from cattlegrid.database.state import quoted
from cattlegrid.errors import ApiError, Refused
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.target import Database, Deployable
from cattlegrid.release.deploy.order import waves
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion.marks import Mark
from cattlegrid.release.rollback.plan import Between, RollbackPlan, RollbackStep

_SECRETS_CHANGED: Final = 10220


def between(client: Client, older: Iterable[Deployable]) -> tuple[Between, ...]:
    """What the databases have and the older code's commit does not know, from their own ledgers."""
    bound = {database.id: database for one in older for database in one.databases if database.id}
    found = each(lambda database: _between(client, database), bound.values())
    return tuple(one for one in found if one.migrations)


def _between(client: Client, database: Database) -> Between:
    known = {one.name for one in migrations.read(database)}
    newer = tuple(name for name in state.read(client, database).applied if name not in known)
    name = database.name or database.id
    return Between(name, newer, _restore(client, database, name, newer[0]) if newer else "")


def _restore(client: Client, database: Database, name: str, first: str) -> str:
    """The command that takes the database to the second before the first of these migrations."""
    sql = f"SELECT applied_at FROM {quoted(database.table)} WHERE name = ?"  # noqa: S608 - an identifier, quoted
    rows = d1.rows(client, database.id, sql, [first])
    try:
        applied = datetime.fromisoformat(str(rows[0]["applied_at"])).replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return ""
    before = (applied - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    return f"wrangler d1 time-travel restore {name} --timestamp={before}"


def refuse_schema(plan: RollbackPlan) -> None:
    """Raises Refused when the older code would meet a schema that it never ran against."""
    if plan.between:
        lines = [f"{one.database} has {', '.join(one.migrations)}" for one in plan.between]
        undo = [f"to lose them and all that was written since: {one.restore}" for one in plan.between if one.restore]
        raise Refused(
            "the older code never ran against the present schema; nothing was changed\n  "
            + "\n  ".join([*lines, *undo]),
            next="cattlegrid rollback --keep-schema, when the older code works with these migrations",
        )


@dataclass(frozen=True)
class Journey:
    """`older` are the workers as the commits that they go back to have them; `force` takes old secrets back too."""

    plan: RollbackPlan
    client: Client
    older: Mapping[str, Deployable]
    force: bool
    tell: Tell


def run(journey: Journey) -> tuple[tuple[str, ...], str]:
    """The workers that went back, and what stopped the rest (empty: nothing). Who calls goes back before who is called.

    Raises Refused when nothing was changed yet and Cloudflare would bring old secrets back.
    """
    steps = {step.worker: step for step in journey.plan.steps}
    every = frozenset(step.script for step in steps.values())
    order = [name for wave in reversed(waves(journey.older.values(), every)) for name in wave]
    done: list[str] = []
    for name in order:
        try:
            _told(journey, steps[name])
        except ApiError as error:
            if error.number == _SECRETS_CHANGED and not done:
                raise Refused(
                    f"{name}: secrets changed since, and the older version would bring the old ones back: {error.what}",
                    next="cattlegrid rollback --old-secrets",
                ) from error
            return tuple(done), f"{name} could not be switched: {error}"
        done.append(name)
    return tuple(done), ""


def _told(journey: Journey, step: RollbackStep) -> None:
    tell: Callable[[Event], None] = journey.tell
    production = Environment.PRODUCTION
    tell(Event(Phase.STARTED, "roll back", production, step.worker))
    message = Mark("held", step.held, step.last).message
    try:
        deployments.create(journey.client, step.script, ((step.to, 100.0),), message, force=journey.force)
    except ApiError as error:
        tell(Event(Phase.FAILED, "roll back", production, step.worker, str(error)))
        raise
    tell(Event(Phase.FINISHED, "roll back", production, step.worker, f"version {step.to[:8]}"))
