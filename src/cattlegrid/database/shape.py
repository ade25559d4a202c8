"""A database's schema in three numbers: enough to see that something was left behind, cheap enough to ask each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client, items_of
from cattlegrid.cloudflare.d1 import Row
from cattlegrid.model.target import Database

SHAPE_SQL: Final = (
    "SELECT count(*) AS objects, coalesce(sum(length(sql)), 0) AS characters,"
    " coalesce(sum(sql LIKE '%deferred%'), 0) AS deferred FROM sqlite_master;"
)


@dataclass(frozen=True)
class Shape:
    """How many tables, indexes, triggers and views there are, how long their SQL is, and how many may defer a check."""

    objects: int
    characters: int
    deferred: int = 0


def shape(client: Client, database: Database) -> Shape:
    return _shape(d1.rows(client, database.id, SHAPE_SQL)[0])


def of_row(results: Sequence[Row]) -> Shape:
    """From the results of a batch that ended with SHAPE_SQL."""
    return _shape(items_of(results[-1].get("results"))[0])


def _shape(row: Row) -> Shape:
    return Shape(int(str(row["objects"])), int(str(row["characters"])), int(str(row["deferred"])))
