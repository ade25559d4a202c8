"""`migrate adopt`: ledgers that were never kept, or whose files were edited, told from the structure of databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cattlegrid.database import adopt as adoption
from cattlegrid.database import migrations, state
from cattlegrid.database.adopt import Adoption
from cattlegrid.database.bound import Bound, bound
from cattlegrid.database.marker import refuse_another
from cattlegrid.database.schema import read
from cattlegrid.git import repository as git
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.release.examine import Place
from cattlegrid.release.parallel import each
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import locked, opened


@dataclass(frozen=True)
class AdoptReport:
    """`written` says that the proposals were agreed to and are in the databases now."""

    environment: Environment
    databases: tuple[Adoption, ...]
    written: bool = False

    @property
    def empty(self) -> bool:
        return all(one.empty for one in self.databases)

    @property
    def outcome(self) -> Outcome:
        """A database whose history cannot be told is not measured: nothing is guessed."""
        if not self.databases or not all(one.decided for one in self.databases):
            return Outcome.NOT_MEASURED
        return Outcome.PASS


def adopt(
    edge: Edge,
    environment: Environment = Environment.STAGING,
    names: tuple[str, ...] = (),
    *,
    through: str = "",
    agreed: Callable[[AdoptReport], bool],
) -> AdoptReport:
    """Propose the ledger rows of the named workers' databases, or of all, and write them when `agreed` says so.

    No migration is run. `agreed` is asked once, with all proposals; not when there is nothing to write, or when one
    cannot be told. Raises Refused for another environment's database, CannotBuild, UsageError for `through`.
    """
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    with (
        opened(edge, fleet, environment) as (here, _, _),
        locked(edge, git.find(fleet.root, edge.environ), environment, "migrate adopt"),
    ):
        found = bound(worker for name, worker in here.target.workers.items() if name in chosen)
        kept = [one for one in found if one.database.migrations is not None]
        report = AdoptReport(environment, tuple(each(lambda one: _propose(here, one, through), kept)))
        if report.empty or report.outcome is not Outcome.PASS or not agreed(report):
            return report
        for one in report.databases:
            if not one.empty:
                adoption.write(here.client, one, environment)
        return replace(report, written=True)


def _propose(here: Place, one: Bound, through: str) -> Adoption:
    found = state.read(here.client, one.database)
    refuse_another(found, here.target.environment)
    return adoption.propose(found, read.live(here.client, one.database), migrations.read(one.database), through)
