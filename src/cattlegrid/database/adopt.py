"""Writing a ledger that was never kept: which files a database has had, told by its structure and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.database import ledger, state
from cattlegrid.database.marker import mark_sql
from cattlegrid.database.migrations import Migration
from cattlegrid.database.schema import local
from cattlegrid.database.schema.differ import Difference, differences
from cattlegrid.database.schema.local import Built
from cattlegrid.database.schema.structure import Structure
from cattlegrid.database.state import DatabaseState, literal, quoted
from cattlegrid.errors import StalePlan, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Database


@dataclass(frozen=True)
class Adoption:
    """What would be written into one database.

    `record` are the ledger's new rows in order, `digests` (name, digest) of files whose later edits will be seen,
    `remaining` the files that stay pending. `uncertain` are files that change no structure: whether they ran cannot be
    told from it, and `--through` has to say. `differences` are what stands between the nearest file and the database.
    """

    database: Database
    mark: bool
    record: tuple[str, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()
    remaining: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    nearest: str = ""
    differences: tuple[Difference, ...] = ()
    note: str = ""
    applied: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        return not self.uncertain and not self.differences

    @property
    def empty(self) -> bool:
        """Nothing is to be written."""
        return self.decided and not (self.mark or self.record or self.digests)


def propose(found: DatabaseState, live: Structure, files: Sequence[Migration], through: str = "") -> Adoption:
    """Compare the database with what each file leaves behind, one after the other.

    Raises CannotBuild when the files do not run on an empty database, UsageError when `through` is none of them.
    """
    built = local.build(found.database, files)
    names = [file.name for file in built.files]
    if through and through not in names:
        raise UsageError(f"--through {through}: there is no such file", next=f"one of: {', '.join(names)}")
    applied = set(found.applied) | {f"{name}.sql" for name in found.applied if f"{name}.sql" in names}
    steps = _steps(found.database, built)
    least = max((at + 1 for at, name in enumerate(names) if name in applied), default=0)
    fits = [at for at in range(least, len(steps)) if not differences(steps[at], live)]
    mark = found.marker is None and not found.empty
    if not fits:
        at = min(range(least, len(steps)), key=lambda at: len(differences(steps[at], live)))
        nearest = names[at - 1] if at else "an empty database"
        return Adoption(
            found.database, mark, nearest=nearest, differences=differences(steps[at], live), note=built.note
        )
    chosen = _chosen(fits, names, through)
    if chosen is None:
        return Adoption(found.database, mark, uncertain=tuple(names[fits[0] : fits[-1]]), note=built.note)
    ran = built.files[:chosen]
    return Adoption(
        database=found.database,
        mark=mark,
        record=tuple(file.name for file in ran if file.name not in found.applied),
        digests=tuple((file.name, file.digest) for file in ran if found.digests.get(file.name) != file.digest),
        remaining=tuple(names[chosen:]),
        note=built.note,
        applied=found.applied,
    )


def write(client: Client, adoption: Adoption, environment: Environment) -> None:
    """One transaction, harmless when repeated. Raises StalePlan when the ledger has moved since the proposal."""
    database = adoption.database
    if state.read(client, database).applied != adoption.applied:
        raise StalePlan("its ledger changed since the proposal", where=f"database {database.name or database.id}")
    table = quoted(database.table)
    rows = [
        f"INSERT INTO {table} (name) SELECT {literal(name)}"  # noqa: S608 - quoted above
        f" WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE name = {literal(name)});"
        for name in adoption.record
    ]
    digests = [ledger.digest_sql(name, digest) for name, digest in adoption.digests]
    parts = [mark_sql(environment), ledger.table_sql(database.table), *rows, *digests]
    d1.ensure(client, database.id, "\n".join(parts))


def _steps(database: Database, built: Built) -> list[Structure]:
    """The structure before the first file and after each one."""
    with local.opened() as connection:
        for file in built.base:
            local.run(connection, database, file)
        steps = [local.read(connection, database)]
        for file in built.files:
            local.run(connection, database, file)
            steps.append(local.read(connection, database))
    return steps


def _chosen(fits: Sequence[int], names: Sequence[str], through: str) -> int | None:
    """How many files have run; None when the structure leaves it open and nobody said."""
    if through:
        wanted = names.index(through) + 1
        if wanted not in fits:
            raise UsageError(
                f"--through {through}: the database does not have the structure that this file leaves behind",
                next="cattlegrid schema diff",
            )
        return wanted
    return fits[0] if len(fits) == 1 else None
