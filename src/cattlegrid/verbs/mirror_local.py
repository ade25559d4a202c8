"""`mirror --to local`: production's databases as masked SQLite files, for a developer's own machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cattlegrid.cloudflare import d1
from cattlegrid.errors import CattlegridError
from cattlegrid.mirror import keeping, policy, run
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.keeping import FileWriter
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.run import Copied, Job
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.mirror import Ground, Surveyed, surveyed


@dataclass(frozen=True)
class LocalReport:
    environment: Environment
    files: tuple[tuple[Path, Copied], ...]

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(copied.outcome for _, copied in self.files)


def mirror_local(
    edge: Edge,
    names: tuple[str, ...] = (),
    *,
    into: Path,
    tables: tuple[str, ...] = (),
    sample: int = 0,
    tell: Tell = lambda _: None,
) -> LocalReport:
    """Masked and verified as any mirror. A file that did not come out right, or holds a leak, is removed."""
    with surveyed(edge, names, tables) as ground:
        for one in ground.surveyed:
            policy.refuse_open(one.resolved, f"database {one.pair.production.name}")
        into.mkdir(parents=True, exist_ok=True)
        return LocalReport(Environment.STAGING, tuple(_one(ground, one, into, sample, tell) for one in ground.surveyed))


def _one(ground: Ground, one: Surveyed, into: Path, sample: int, tell: Tell) -> tuple[Path, Copied]:
    name = one.pair.production.name or one.pair.production.id
    file = into / f"{name}.sqlite"
    tell(Event(Phase.STARTED, f"mirror {name}", Environment.STAGING))
    started = ground.edge.clock.monotonic()
    keeping.private(file)
    try:
        copied = _copied(ground, one, file, sample)
    except CattlegridError:
        file.unlink(missing_ok=True)
        raise
    if copied.outcome is not Outcome.PASS:
        file.unlink(missing_ok=True)
    seconds = ground.edge.clock.monotonic() - started
    tell(Event(Phase.FINISHED, f"mirror {name}", Environment.STAGING, "", f"{copied.rows} rows into {file}", seconds))
    return file, copied


def _copied(ground: Ground, one: Surveyed, file: Path, sample: int) -> Copied:
    with OnFile(file) as engine:
        writer = FileWriter(engine)
        job = Job(
            source=one.source,
            writer=writer,
            schema=one.schema,
            rules=one.resolved.rules,
            clock=ground.edge.clock,
            bookmark=lambda: d1.bookmark(ground.production.client, one.pair.production.id),
            about={"source": one.pair.production.id},
            sample=sample,
        )
        copied = run.run(job, Leaks(one.resolved.rules, frozenset(ground.fleet.mirror.accept)))
        run.forget(writer)
        return copied
