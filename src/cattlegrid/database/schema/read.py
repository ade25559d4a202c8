"""Reading a structure through one question of several SELECTs: the same for a live database and a local one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.database.schema import definition
from cattlegrid.database.schema.structure import Column, ForeignKey, Index, Plain, Structure, Table, Virtual
from cattlegrid.database.sql import Kind, Token, plain, tokens
from cattlegrid.database.state import MARKER_TABLE
from cattlegrid.model.target import Database

Row: TypeAlias = Mapping[str, object]
Ask: TypeAlias = Callable[[Sequence[str]], list[list[Row]]]

_TABLES: Final = "FROM sqlite_master m JOIN {} x WHERE m.type = 'table' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\'"
QUESTIONS: Final = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
    "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'",
    'SELECT m.name AS tbl, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden '
    + _TABLES.format("pragma_table_xinfo(m.name)")
    + " ORDER BY m.name, x.cid",
    'SELECT m.name AS tbl, x.id, x."table", x."from", x."to", x.on_update, x.on_delete '
    + _TABLES.format("pragma_foreign_key_list(m.name)")
    + " ORDER BY m.name, x.id, x.seq",
    'SELECT m.name AS tbl, x.name, x."unique", x.origin '
    + _TABLES.format("pragma_index_list(m.name)"),
    'SELECT i.name AS idx, x.cid, x.name, x."desc", x.coll '
    + _TABLES.format("pragma_index_list(m.name) i JOIN pragma_index_xinfo(i.name)")
    + " AND x.key = 1 ORDER BY i.name, x.seqno",
)  # fmt: skip


def live(client: Client, database: Database) -> Structure:
    """The structure of a database on Cloudflare, in one call."""

    def ask(questions: Sequence[str]) -> list[list[Row]]:
        return d1.selects(client, database.id, ";\n".join(questions))

    return structure(ask, ledger=database.table)


def structure(ask: Ask, *, ledger: str) -> Structure:
    """Without the ledger, the marker, and what belongs to SQLite, to Cloudflare or to a virtual table."""
    master, listed, columns, keys, indexes, parts = ask(QUESTIONS)
    kinds = {_low(row, "name"): row for row in listed}
    hidden = {name for name, row in kinds.items() if row["type"] == "shadow"} | {ledger.lower(), MARKER_TABLE}
    seen = [
        row for row in master if _low(row, "tbl_name") not in hidden and not _low(row, "name").startswith("sqlite_")
    ]
    texts = {kind: {_low(row, "name"): str(row["sql"]) for row in seen if row["type"] == kind} for kind in _KINDS}
    facts = [_grouped(rows, key="tbl") for rows in (columns, keys, indexes)]
    by_index = _grouped(parts, key="idx")
    virtual = {name for name in texts["table"] if kinds[name]["type"] == "virtual"}
    tables = {
        name: _table(name, sql, kinds[name], [rows.get(name, []) for rows in facts], by_index)
        for name, sql in texts["table"].items()
        if name not in virtual
    }
    return Structure(
        tables=_with_implicit_targets(tables),
        virtual={name: Virtual(name, *definition.arguments(texts["table"][name])) for name in virtual},
        indexes=_indexes(indexes, by_index, texts["index"]),
        triggers={name: _body(sql) for name, sql in texts["trigger"].items()},
        views={name: _body(sql) for name, sql in texts["view"].items()},
    )


_KINDS: Final = ("table", "index", "trigger", "view")


def _table(
    name: str,
    sql: str,
    listed: Row,
    facts: Sequence[list[Row]],
    parts: Mapping[str, list[Row]],
) -> Table:
    columns, keys, indexes = facts
    said = definition.of_table(sql)
    unique = [_low(row, "name") for row in indexes if row["origin"] == "u"]
    return Table(
        name=name,
        columns=tuple(_column(row, said) for row in columns),
        checks=frozenset(said.checks),
        unique=frozenset(tuple(_low(part, "name") for part in parts[index]) for index in unique),
        foreign_keys=frozenset(_foreign_key(rows, said) for rows in _by_id(keys)),
        strict=bool(listed["strict"]),
        without_rowid=bool(listed["wr"]),
        autoincrement=said.autoincrement,
    )


def _column(row: Row, said: definition.Definition) -> Column:
    name, hidden = _low(row, "name"), int(str(row["hidden"]))
    expression = said.generated.get(name, "")
    return Column(
        name=name,
        type=" ".join(plain(str(row["type"] or ""))).upper(),
        not_null=bool(row["notnull"]),
        default=_default(row["dflt_value"]),
        key=int(str(row["pk"])),
        collation=said.collations.get(name, ""),
        generated=f"{'stored' if hidden == 3 else 'virtual'} ({expression})" if hidden in (2, 3) else "",
        conflict=said.conflicts.get(name, ""),
    )


def _default(value: object) -> str:
    """A default in double quotes is the text that it would be in single ones."""
    if value is None:
        return ""
    found = list(tokens(str(value)))
    if len(found) == 1 and found[0].kind is Kind.NAME:
        return "'" + found[0].identifier.replace("'", "''") + "'"
    return " ".join(token.plain for token in found)


def _foreign_key(rows: Sequence[Row], said: definition.Definition) -> ForeignKey:
    first, columns = rows[0], tuple(_low(row, "from") for row in rows)
    return ForeignKey(
        columns=columns,
        table=_low(first, "table"),
        to=tuple(str(row["to"]).lower() for row in rows if row["to"] is not None),
        on_update=str(first["on_update"]),
        on_delete=str(first["on_delete"]),
        deferred=columns in said.deferred,
    )


def _with_implicit_targets(tables: Mapping[str, Table]) -> dict[str, Table]:
    """`REFERENCES t` means t's primary key: both ways of writing it come out the same."""

    def keys(name: str) -> tuple[str, ...]:
        found = tables.get(name)
        named = [column for column in found.columns if column.key] if found is not None else []
        return tuple(column.name for column in sorted(named, key=lambda column: column.key))

    def filled(key: ForeignKey) -> ForeignKey:
        if key.to:
            return key
        return ForeignKey(key.columns, key.table, keys(key.table), key.on_update, key.on_delete, key.deferred)

    return {
        name: Table(
            one.name, one.columns, one.checks, one.unique, frozenset(map(filled, one.foreign_keys)),
            one.strict, one.without_rowid, one.autoincrement,
        )
        for name, one in tables.items()
    }  # fmt: skip


def _indexes(indexes: Sequence[Row], by_index: Mapping[str, list[Row]], texts: Mapping[str, str]) -> dict[str, Index]:
    """The indexes that were made by CREATE INDEX; those of constraints belong to their tables."""
    found = {}
    for row in indexes:
        name = _low(row, "name")
        if row["origin"] == "c" and name in texts:
            expressions, where = _index_text(texts[name])
            shown = tuple(_part(part, expressions[at]) for at, part in enumerate(by_index[name]))
            found[name] = Index(name, _low(row, "tbl"), bool(row["unique"]), shown, where)
    return found


def _part(row: Row, expression: str) -> str:
    name = str(row["name"]).lower() if row["name"] is not None else expression
    collation = "" if row["coll"] in (None, "BINARY") else f" collate {str(row['coll']).lower()}"
    return f"{name}{collation}{' desc' if row['desc'] else ''}"


def _index_text(sql: str) -> tuple[list[str], Plain]:
    """The expressions between the brackets, without their order, and the condition."""
    found = list(tokens(sql))
    elements = [_expression(element) for element in definition.elements(found)]
    depth, condition = 0, len(found)
    for at, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.kind is Kind.WORD and token.plain == "where":
            condition = at + 1
            break
    return elements, tuple(token.plain for token in found[condition:])


def _expression(element: Sequence[Token]) -> str:
    words = [token.plain for token in element]
    while words[-1:] in (["desc"], ["asc"]) or words[-2:-1] == ["collate"]:
        words = words[:-1] if words[-1] in ("desc", "asc") else words[:-2]
    return " ".join(words)


def _body(sql: str) -> Plain:
    found = plain(sql)
    return tuple(found[: -1 if found[-1:] == (";",) else None])


def _by_id(rows: Iterable[Row]) -> list[list[Row]]:
    return list(_grouped(rows, key="id").values())


def _grouped(rows: Iterable[Row], *, key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row[key]).lower(), []).append(row)
    return found


def _low(row: Row, key: str) -> str:
    return str(row[key]).lower()
