"""What a database holds, discovered and never listed: tables, columns, keys, references, and what is built on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.errors import Failed
from cattlegrid.mirror.engine import Engine

OURS: Final = ("_cattlegrid", "_cattlegrid_mirror", "_cattlegrid_chunks")
ROWID_NAMES: Final = ("_rowid_", "rowid", "oid")


@dataclass(frozen=True)
class Column:
    """`type` as declared. `affinity` is INTEGER, REAL, NUMERIC, TEXT, BLOB, or ANY in a STRICT table."""

    name: str
    type: str
    affinity: str
    not_null: bool = False
    primary: int = 0

    @property
    def text_like(self) -> bool:
        """Whether text may be meant to be in it: anything but a declared whole number or REAL."""
        return self.affinity not in {"INTEGER", "REAL"}


@dataclass(frozen=True)
class Reference:
    """A foreign key: `columns` here name `to` of `table`."""

    table: str
    columns: tuple[str, ...]
    to: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """`columns` are the stored ones: a generated column is computed anew. `rowid` is the free name of the row id, None
    where there is none. `unique` are the sets of columns that a key or unique index keeps apart.
    """

    name: str
    sql: str
    columns: tuple[Column, ...]
    without_rowid: bool
    rowid: str | None
    references: tuple[Reference, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()

    @property
    def integer_key(self) -> str | None:
        """The column that is the row id itself (INTEGER PRIMARY KEY)."""
        keys = [column for column in self.columns if column.primary]
        alone = len(keys) == 1 and keys[0].type.upper() == "INTEGER" and not self.without_rowid
        return keys[0].name if alone and not _descending_key(self.sql) else None

    @property
    def key(self) -> tuple[str, ...]:
        """What orders and addresses the rows, as SQL: the row id, or the primary key where there is none."""
        if not self.without_rowid:
            return (self.rowid,) if self.rowid else ()
        return tuple(quoted(one.name) for one in sorted(self.columns, key=lambda one: one.primary) if one.primary)

    @property
    def carries_rowid(self) -> bool:
        """Whether the row id has to be carried beside the columns."""
        return not self.without_rowid and self.rowid is not None and self.integer_key is None

    @property
    def carried(self) -> tuple[str, ...]:
        """What is read and written of each row, as SQL, in this order."""
        own = tuple(quoted(column.name) for column in self.columns)
        return (str(self.rowid), *own) if self.carries_rowid else own

    @property
    def key_at(self) -> tuple[int, ...]:
        """Where in `carried` the key's parts are."""
        key = (quoted(self.integer_key),) if self.integer_key is not None else self.key
        return tuple(self.carried.index(part) for part in key)


@dataclass(frozen=True)
class Search:
    """A virtual table of FTS5. `content` is None when it holds its text itself (then it is read and written like a
    table), "" when it holds none (contentless), else the table that holds it. `vocabulary`: it only shows another one.
    """

    name: str
    sql: str
    columns: tuple[str, ...]
    content: str | None
    vocabulary: bool = False

    @property
    def as_table(self) -> Table:
        return Table(self.name, self.sql, tuple(Column(name, "", "BLOB") for name in self.columns), False, "rowid")


@dataclass(frozen=True)
class Schema:
    """`after` is what is made when the rows are there: indexes, then triggers, then views, as SQL.

    `sequences` are the tables with AUTOINCREMENT that have a row in sqlite_sequence, with its number as text.
    """

    tables: tuple[Table, ...]
    searches: tuple[Search, ...]
    indexes: tuple[str, ...]
    triggers: tuple[str, ...]
    views: tuple[tuple[str, str], ...]
    sequences: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """16 hex digits over every statement of the schema, in whatever order they were made."""
        parts = [*(one.sql for one in self.tables), *(one.sql for one in self.searches)]
        parts += [*self.indexes, *self.triggers, *(sql for _, sql in self.views)]
        return hashlib.blake2b("\0".join(sorted(parts)).encode(), digest_size=8).hexdigest()

    @property
    def filled(self) -> tuple[Table, ...]:
        """Everything that rows are copied into: the tables, and the searches that hold their own text."""
        own = tuple(one.as_table for one in self.searches if one.content is None and not one.vocabulary)
        return (*self.tables, *own)


def read(engine: Engine) -> Schema:
    """Three calls and one for each fifty tables. Raises Failed for what cannot be mirrored, by name."""
    master, kinds, marked = (
        result.rows
        for result in engine.run(
            [
                Statement(
                    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'"
                    " ORDER BY rowid"
                ),
                Statement("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'"),
                Statement("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'"),
            ]
        )
    )
    kind = {str(name): (str(form), bool(wr), bool(strict)) for name, form, wr, strict in kinds}
    rows = [(str(what), str(name), str(owner), sql) for what, name, owner, sql in master if name not in OURS]
    tables = [(name, str(sql)) for what, name, _, sql in rows if what == "table" and _ordinary(name, kind)]
    searches = [(name, str(sql)) for what, name, _, sql in rows if what == "table" and kind[name][0] == "virtual"]
    known = {name for name, _ in tables} | {name for name, _ in searches}
    told = _told(engine, list(known))
    made = tuple(_table(name, sql, kind[name], told[name]) for name, sql in tables)
    by_name = {table.name.lower(): table for table in made}
    return Schema(
        tables=tuple(_resolved(table, by_name) for table in made),
        searches=tuple(_search(name, sql, told[name]) for name, sql in searches),
        indexes=tuple(str(sql) for what, _, owner, sql in rows if what == "index" and sql and owner in known),
        triggers=tuple(str(sql) for what, _, _, sql in rows if what == "trigger"),
        views=tuple((name, str(sql)) for what, name, _, sql in rows if what == "view"),
        sequences=_sequences(engine, bool(marked[0][0]), known),
    )


def _ordinary(name: str, kind: dict[str, tuple[str, bool, bool]]) -> bool:
    return kind[name][0] == "table" and not name.startswith("sqlite_")


def _told(engine: Engine, names: Sequence[str]) -> dict[str, list[list[list[object]]]]:
    """By table: its columns, foreign keys, and unique indexes with their columns."""
    found: dict[str, list[list[list[object]]]] = {}
    for some in batched(names, 30):
        asked = []
        for name in some:
            text = literal(name)
            asked += [
                Statement(f'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo({text}) ORDER BY cid'),
                Statement(f'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list({text}) ORDER BY id, seq'),
                Statement(
                    "SELECT i.name, c.name FROM pragma_index_list(" + text + ") i, pragma_index_info(i.name) c"
                    ' WHERE i."unique" ORDER BY i.seq, c.seqno'
                ),
            ]
        results = [result.rows for result in engine.run(asked)]
        found |= {name: results[3 * at : 3 * at + 3] for at, name in enumerate(some)}
    return found


def _table(name: str, sql: str, kind: tuple[str, bool, bool], told: list[list[list[object]]]) -> Table:
    xinfo, keys, unique = told
    columns = tuple(
        Column(str(column), str(declared), affinity(str(declared), strict=kind[2]), bool(not_null), int(str(pk)))
        for column, declared, not_null, pk, hidden in xinfo
        if not hidden
    )
    names = {str(row[0]).lower() for row in xinfo}
    rowid = None if kind[1] else next((free for free in ROWID_NAMES if free not in names), None)
    if not kind[1] and rowid is None:
        raise Failed(
            "its columns take all three names of the row id (rowid, _rowid_, oid): rows cannot be addressed",
            where=f"table {name}",
            next="rename one of the columns, or add the table to mirror.skip",
        )
    primary = tuple(column.name for column in sorted(columns, key=lambda one: one.primary) if column.primary)
    apart = {tuple(group) for group in _grouped(unique)} | ({primary} if primary else set())
    references = tuple(
        Reference(str(rows[0][1]), tuple(str(row[2]) for row in rows), tuple(str(row[3] or "") for row in rows))
        for rows in _by_first(keys)
    )
    return Table(name, sql, columns, kind[1], rowid, references, tuple(sorted(apart)))


def _resolved(table: Table, by_name: dict[str, Table]) -> Table:
    """Names as the schema spells them; and a reference without columns names the other table's primary key."""
    found = []
    for one in table.references:
        other = by_name.get(one.table.lower())
        if other is None:
            continue
        primary = tuple(c.name for c in sorted(other.columns, key=lambda one: one.primary) if c.primary)
        to = _spelled(other, one.to) if all(one.to) else primary
        found.append(Reference(other.name, _spelled(table, one.columns), to))
    return replace(table, references=tuple(found))


def _spelled(table: Table, columns: Sequence[str]) -> tuple[str, ...]:
    names = {column.name.lower(): column.name for column in table.columns}
    return tuple(names.get(column.lower(), column) for column in columns)


def _search(name: str, sql: str, told: list[list[list[object]]]) -> Search:
    module = sql.lower().partition("using")[2].split("(")[0].strip()
    if module not in {"fts5", "fts5vocab"}:
        raise Failed(f"it is a virtual table of another module than FTS5 ({module})", where=f"table {name}")
    columns = tuple(str(row[0]) for row in told[0] if not row[4])
    vocabulary = module == "fts5vocab"
    return Search(name, sql, columns, None if vocabulary else _content(sql), vocabulary)


def _content(sql: str) -> str | None:
    """The value of FTS5's `content` option: the options are `key = value`, the value bare or quoted."""
    arguments = sql[sql.index("(") + 1 : sql.rindex(")")]
    for part in split_arguments(arguments):
        key, equals, value = part.partition("=")
        if equals and key.strip().lower() == "content":
            return unquoted(value.strip())
    return None


def split_arguments(text: str) -> Iterator[str]:
    """The arguments of a virtual table: split at commas outside quotes."""
    start, quote = 0, ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        elif character == ",":
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _sequences(engine: Engine, there: bool, known: set[str]) -> tuple[tuple[str, str], ...]:
    if not there:
        return ()
    (result,) = engine.run([Statement("SELECT name, CAST(seq AS TEXT) FROM sqlite_sequence ORDER BY name")])
    return tuple((str(name), str(number)) for name, number in result.rows if name in known)


def affinity(declared: str, *, strict: bool = False) -> str:
    """The rules of SQLite's "Datatypes", section 3.1."""
    declared = declared.upper()
    if strict and declared == "ANY":
        return "ANY"
    for words, found in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "TEXT"),
        (("BLOB",), "BLOB"),
        (("REAL", "FLOA", "DOUB"), "REAL"),
    ):
        if any(word in declared for word in words):
            return found
    return "NUMERIC" if declared else "BLOB"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def unquoted(text: str) -> str:
    if text[:1] in ("'", '"', "`") and text[-1:] == text[:1]:
        return text[1:-1].replace(text[0] * 2, text[0])
    return text.strip("[]")


def literal(text: str) -> str:
    """Text without NUL as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def batched(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]


def _descending_key(sql: str) -> bool:
    """`INTEGER PRIMARY KEY DESC` on the column is, by an old quirk, not the row id."""
    words = " ".join(sql.upper().split())
    return "INTEGER PRIMARY KEY DESC" in words


def _by_first(rows: list[list[object]]) -> list[list[list[object]]]:
    groups: dict[object, list[list[object]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return list(groups.values())


def _grouped(rows: list[list[object]]) -> list[list[str]]:
    """Columns by index; an index over an expression (no name) keeps nothing that we could name apart."""
    return [[str(row[1]) for row in group] for group in _by_first(rows) if all(row[1] is not None for row in group)]
