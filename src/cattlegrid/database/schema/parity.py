"""Whether a live database has the structure that its migrations make: what is missing, and what nobody wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cattlegrid.cloudflare.client import Client
from cattlegrid.database import state
from cattlegrid.database.migrations import Migration
from cattlegrid.database.schema import local, read
from cattlegrid.database.schema.differ import Difference, differences
from cattlegrid.database.schema.local import Built, CannotBuild
from cattlegrid.database.schema.structure import Structure
from cattlegrid.database.state import DatabaseState
from cattlegrid.errors import CattlegridError
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database


@dataclass(frozen=True)
class Side:
    """One database of one environment beside the commit.

    `differences` are the commit's against it; `pending` the files that it lacks; `unexplained` what stays when those
    are taken into account: nobody's migration made it. `problem` says why something was not measured.
    """

    environment: Environment
    database: str
    pending: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    unexplained: tuple[Difference, ...] = ()
    counted: str = ""
    problem: str = ""

    @property
    def by_hand(self) -> str:
        """What no migration of this database's ledger made, in words; empty for nothing, or when it is not known."""
        words = [one.sentence("the migrations", "the database") for one in self.unexplained]
        more = [f"and {len(words) - 3} more"] if len(words) > 3 else []
        return "; ".join([*words[:3], *more])

    @property
    def outcome(self) -> Outcome:
        """Staging has to be as the commit. Production may lack what is pending, and nothing else."""
        if self.problem:
            return Outcome.NOT_MEASURED
        wrong = self.differences if self.environment is Environment.STAGING else self.unexplained
        return Outcome.FAIL if wrong else Outcome.PASS


def beside_files(
    client: Client,
    environment: Environment,
    database: Database,
    files: Sequence[Migration],
    known: DatabaseState | None = None,
) -> Side:
    """As `side`, from the migration files; a structure that cannot be built from them is a problem, and not raised."""
    try:
        built = local.build(database, files)
    except CannotBuild as error:
        return Side(environment, database.name or database.id, problem=f"the commit: {error}")
    return side(client, environment, database, built, known=known)


def side(
    client: Client,
    environment: Environment,
    database: Database,
    built: Built,
    structure: Structure | None = None,
    known: DatabaseState | None = None,
) -> Side:
    """`database` as it is live; `structure` and `known` if read before. One that cannot be read is a problem."""
    name = database.name or database.id
    try:
        found = known if known is not None else state.read(client, database)
        there = structure if structure is not None else read.live(client, database)
    except CattlegridError as error:
        return Side(environment, name, problem=str(error))
    pending = tuple(file for file in built.files if file.name not in found.applied)
    whole = differences(built.structure, there)
    unexplained = whole
    if pending and whole:
        expected = _expected(database, built, found.applied)
        unexplained = differences(expected, there) if expected is not None else whole
    return Side(environment, name, tuple(file.name for file in pending), whole, unexplained, there.counted)


def _expected(database: Database, built: Built, applied: Sequence[str]) -> Structure | None:
    """What the ledger says was run, in that order; None when that cannot be rebuilt from the files here."""
    files = {file.name: file for file in built.files}
    ran: list[Migration] = [files[name] for name in applied if name in files]
    if len(ran) < len(applied):
        return None
    try:
        return local.made(database, (*built.base, *ran))
    except CannotBuild:
        return None
