"""The conditions of the gate: each is measured now, and says how much was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cattlegrid.database.schema.parity import Side
from cattlegrid.errors import GateClosed
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Deployable
from cattlegrid.release.live import Live
from cattlegrid.release.promotion.candidate import Part
from cattlegrid.release.smoke import bindings

BUILT = frozenset({"smoke", "isolation", "migrations", "secrets", "rehearsal", "approval"})


def smoke(report: SmokeReport) -> Check:
    """Staging passes its smoke checks at this moment."""
    bad = [check for check in report.checks if check.outcome is not Outcome.PASS]
    if not bad:
        return Check("smoke", report.outcome, f"staging passes: {report.examined}", seconds=report.seconds)
    named = "; ".join(f"{check.worker} {check.name} ({check.outcome})" for check in bad[:3])
    more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
    seen = f"{len(bad)} of {len(report.checks)} checks of staging: {named}{more}; cattlegrid smoke shows them"
    return Check("smoke", report.outcome, seen, seconds=report.seconds)


def isolation(staging: Iterable[Deployable], production: Iterable[Deployable], live: Mapping[str, Live]) -> Check:
    """No resource of production is in staging's configuration or in its live bindings."""
    ours, theirs = bindings.owned(staging), bindings.owned(production)
    both = [
        f"{kind} {name} is in both configurations (worker {ours[kind, name]})" for kind, name in ours.keys() & theirs
    ]
    bound = [
        f"{name} in staging is bound to production's {resource[0]} {resource[1]}"
        for name, one in live.items()
        if one.version is not None
        for resource in _live_resources(one)
        if resource in theirs
    ]
    looked = len(ours) + len(theirs)
    if not looked:
        return Check("isolation", Outcome.NOT_MEASURED, "no worker was looked at")
    found = sorted({*both, *bound})
    return Check("isolation", Outcome.FAIL if found else Outcome.PASS, "; ".join(found) or f"{looked} resources differ")


def migrations(pending: Mapping[str, tuple[str, ...]], looked: int) -> Check:
    """Staging has every migration of the candidate. `pending` are the ones that it lacks, by database."""
    if not looked:
        return Check("migrations", Outcome.PASS, "the fleet has no database")
    lacking = [f"{database} lacks {', '.join(names)}" for database, names in pending.items() if names]
    seen = "; ".join(lacking) or f"{looked} databases of staging have every migration of the candidate"
    return Check("migrations", Outcome.FAIL if lacking else Outcome.PASS, seen)


def schema(sides: Iterable[Side], environment: Environment) -> Check:
    """Staging's databases have the structure that the candidate's migrations make, production's that of those that ran
    there: what somebody made by hand shows.
    """
    looked = tuple(sides)
    whose = "the candidate's migrations" if environment is Environment.STAGING else "the migrations that ran there"
    if not looked:
        return Check("schema", Outcome.PASS, "the fleet has no migrations")
    wrong = [
        f"{side.database}: {side.problem or _differences(side)}" for side in looked if side.outcome is not Outcome.PASS
    ]
    seen = "; ".join(wrong) or f"{len(looked)} databases of {environment} have the structure of {whose}"
    return Check("schema", Outcome.of(side.outcome for side in looked), seen)


def _differences(side: Side) -> str:
    staging = side.environment is Environment.STAGING
    found = side.differences if staging else side.unexplained
    said = [one.sentence("the candidate" if staging else "the migrations", side.environment) for one in found]
    return "; ".join([*said[:5], *([f"and {len(said) - 5} more"] if len(said) > 5 else [])])


def rehearsal(found: Iterable[Check], rollback: str = "") -> Check:
    """The pending migrations, tried on copies of production's rows: `found` has a check for each of them, and for each
    worker's code on the migrated rows. `rollback` says whether the live code would work there.
    """
    seen = list(found)
    if not seen:
        return Check("rehearsal", Outcome.PASS, "production lacks no migration of the candidate")
    bad = [f"{one.worker} {one.name}: {one.detail}" for one in seen if one.outcome is not Outcome.PASS]
    detail = "; ".join(bad) or f"{len(seen)} checks on copies of production's rows, made just now"
    said = f"{detail}; {rollback}" if rollback else detail
    return Check("rehearsal", Outcome.of(one.outcome for one in seen), said)


def not_built(gate: tuple[str, ...]) -> tuple[Check, ...]:
    """Conditions that the settings ask for and that this version cannot measure: they keep the gate closed."""
    detail = "this version of cattlegrid cannot measure it"
    return tuple(Check(name, Outcome.NOT_MEASURED, detail) for name in gate if name not in BUILT)


def drift(production: Mapping[str, Live], *, replace_drift: bool) -> tuple[Check, ...]:
    """Production runs what cattlegrid put there, or the person said that it may be replaced."""
    return tuple(
        Check(
            "drift",
            Outcome.PASS if replace_drift else Outcome.FAIL,
            f"production drifted: {one.drift}"
            + ("; it is replaced" if replace_drift else "; --replace-drift replaces it"),
            name,
        )
        for name, one in production.items()
        if one.drift is not None
    )


def not_older(
    repository: Repository, parts: Iterable[Part], production: Mapping[str, Live], *, allow_rollback: bool
) -> tuple[Check, ...]:
    """Production's commit is contained in the candidate's, worker by worker."""
    checks = []
    for part in parts:
        before = production[part.worker].stamp
        if before is None or allow_rollback:
            continue
        inside = git.is_ancestor(repository, before.commit, part.stamp.commit)
        if inside is None:
            git.deepen(repository)
            inside = git.is_ancestor(repository, before.commit, part.stamp.commit)
        if not inside:
            why = "is not in the history of" if inside is False else "cannot be compared in this clone with"
            detail = (
                f"production's {before.commit[:12]} {why} {part.stamp.commit[:12]}; --allow-rollback says it is meant"
            )
            outcome = Outcome.FAIL if inside is False else Outcome.NOT_MEASURED
            checks.append(Check("not older", outcome, detail, part.worker))
    return tuple(checks)


def refuse_closed(conditions: Iterable[Check]) -> None:
    """Raises GateClosed with every condition that does not pass."""
    if lines := closed(conditions):
        raise GateClosed("the gate is closed; nothing was changed\n  " + "\n  ".join(lines), next="cattlegrid status")


def closed(conditions: Iterable[Check]) -> list[str]:
    """What does not pass, a sentence each."""
    return [
        f"{check.name} {check.worker}".strip() + f": {check.outcome}: {check.detail}"
        for check in conditions
        if check.outcome is not Outcome.PASS
    ]


def _live_resources(one: Live) -> set[bindings.Resource]:
    return set(bindings.live(one.version.bindings).values()) if one.version is not None else set()
