"""What a database is made of. Names are in lower case, as SQLite compares them; SQL is in the form of `sql.plain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cattlegrid.model.count import count

Plain: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """`key` is the place in the primary key, 0 for none. `generated` is `virtual (…)` or `stored (…)`."""

    name: str
    type: str
    not_null: bool = False
    default: str = ""
    key: int = 0
    collation: str = ""
    generated: str = ""
    conflict: str = ""


@dataclass(frozen=True)
class ForeignKey:
    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    deferred: bool = False

    def __str__(self) -> str:
        words = [f"({', '.join(self.columns)}) references {self.table} ({', '.join(self.to)})"]
        words += [f"on update {self.on_update}"] if self.on_update != "NO ACTION" else []
        words += [f"on delete {self.on_delete}"] if self.on_delete != "NO ACTION" else []
        return " ".join([*words, "deferred"] if self.deferred else words)


@dataclass(frozen=True)
class Table:
    """`columns` in their order. `unique` are the column lists of UNIQUE constraints, not of indexes."""

    name: str
    columns: tuple[Column, ...]
    checks: frozenset[Plain] = frozenset()
    unique: frozenset[tuple[str, ...]] = frozenset()
    foreign_keys: frozenset[ForeignKey] = frozenset()
    strict: bool = False
    without_rowid: bool = False
    autoincrement: bool = False

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Virtual:
    """A virtual table: its module, its columns in order, and its options by name (`tokenize`, `content`, …)."""

    name: str
    module: str
    columns: tuple[str, ...]
    options: Mapping[str, str]


@dataclass(frozen=True)
class Index:
    """`parts` with order and collation where they are not the usual ones; `where` of a partial index."""

    name: str
    table: str
    unique: bool
    parts: Plain
    where: Plain = ()

    def __str__(self) -> str:
        words = f"{'unique ' if self.unique else ''}on {self.table} ({', '.join(self.parts)})"
        return f"{words} where {' '.join(self.where)}" if self.where else words


@dataclass(frozen=True)
class Structure:
    """All by name. A trigger's and a view's text stands for itself, spelling aside."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    virtual: Mapping[str, Virtual] = field(default_factory=dict)
    indexes: Mapping[str, Index] = field(default_factory=dict)
    triggers: Mapping[str, Plain] = field(default_factory=dict)
    views: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def counted(self) -> str:
        pairs = (
            (self.tables, "table", ""), (self.virtual, "virtual table", ""), (self.indexes, "index", "indexes"),
            (self.triggers, "trigger", ""), (self.views, "view", ""),
        )  # fmt: skip
        return ", ".join(count(len(found), what, many) for found, what, many in pairs if found) or "nothing"
