"""The databases of some workers, each once, however many workers are bound to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cattlegrid.errors import ConfigError, Mistake, Refused
from cattlegrid.model.target import Database, Deployable


@dataclass(frozen=True)
class Bound:
    """`database` as the worker declares it that brings the migrations; `workers` are all that are bound to it."""

    database: Database
    workers: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.database.name or self.database.id


def bound(workers: Iterable[Deployable]) -> tuple[Bound, ...]:
    """Raises Refused for a binding without a database, ConfigError when two workers migrate one differently."""
    uses: dict[str, list[tuple[Deployable, Database]]] = {}
    for worker in workers:
        for database in worker.databases:
            if not database.id:
                raise Refused(
                    f"binding {database.binding} names no database",
                    where=worker.worker.config,
                    next="cattlegrid provision",
                )
            uses.setdefault(database.id, []).append((worker, database))
    return tuple(map(_one, uses.values()))


def _one(uses: list[tuple[Deployable, Database]]) -> Bound:
    migrating = [(worker, database) for worker, database in uses if database.migrations is not None]
    worker, database = (migrating or uses)[0]
    for other, second in migrating[1:]:
        if (second.migrations, second.table, second.pattern) != (database.migrations, database.table, database.pattern):
            what = (
                f"database {database.name or database.id} is migrated from another folder or table here than in"
                f" {worker.worker.config}; one database has one ledger"
            )
            raise ConfigError((Mistake(other.worker.config, f"d1_databases ({second.binding})", what),))
    return Bound(database, tuple(dict.fromkeys(worker.worker.name for worker, _ in uses)))
