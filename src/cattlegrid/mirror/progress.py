"""How far a mirror came, written into the database that it fills: no file of ours, and a kill leaves nothing unclear.

`_cattlegrid_chunks` has a row for each range, with the digest of what was written once it was read back and compared;
`_cattlegrid_mirror` says what was being mirrored. Both are dropped when the mirror is done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.mirror import writing
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.ranges import Range
from cattlegrid.mirror.schema import literal

CREATE = (
    Statement(
        "CREATE TABLE IF NOT EXISTS _cattlegrid_mirror (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
    ),
    Statement(
        "CREATE TABLE IF NOT EXISTS _cattlegrid_chunks (number INTEGER PRIMARY KEY, tbl TEXT NOT NULL,"
        " lo TEXT, hi TEXT, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, digest TEXT)"
    ),
)
DROP = (
    Statement("DROP TABLE IF EXISTS _cattlegrid_chunks"),
    Statement("DROP TABLE IF EXISTS _cattlegrid_mirror"),
)


@dataclass(frozen=True)
class Chunk:
    """A planned range and, when it is verified, the digest and number of rows of what staging holds there."""

    number: int
    range: Range
    digest: str | None = None

    @property
    def verified(self) -> bool:
        return self.digest is not None


def plan(chunks: Sequence[Chunk], about: Mapping[str, str]) -> list[Statement]:
    """Statements that write the plan of a mirror down, in place of an older one."""
    rows = ([c.number, c.range.table, _bound(c.range.lo), _hi(c.range), c.range.rows, c.range.bytes] for c in chunks)
    told = [[name, value] for name, value in about.items()]
    fields = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(6))
    statements = [*CREATE, Statement("DELETE FROM _cattlegrid_chunks"), Statement("DELETE FROM _cattlegrid_mirror")]
    for packed in writing.packed(json.dumps(row) for row in rows):
        insert = f"INSERT INTO _cattlegrid_chunks (number, tbl, lo, hi, rows, bytes) SELECT {fields} FROM json_each(?1)"
        statements.append(Statement(insert, (str(packed),)))
    insert = (
        "INSERT INTO _cattlegrid_mirror SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')"
        " FROM json_each(?1)"
    )
    return [*statements, Statement(insert, (json.dumps(told),))]


def verified(done: Sequence[tuple[Chunk, int, str]]) -> list[Statement]:
    """Statements that note, for each chunk, its rows and digest."""
    packed = json.dumps([[chunk.number, rows, digest] for chunk, rows, digest in done])
    return [
        Statement(
            "UPDATE _cattlegrid_chunks SET rows = d.r, digest = d.d FROM (SELECT json_extract(value, '$[0]') AS n,"
            " json_extract(value, '$[1]') AS r, json_extract(value, '$[2]') AS d FROM json_each(?1)) d"
            " WHERE number = d.n",
            (packed,),
        )
    ]


def read(engine: Engine) -> tuple[dict[str, str], list[Chunk]] | None:
    """What an earlier mirror left, or None."""
    found = engine.run([Statement("SELECT count(*) FROM sqlite_schema WHERE name = '_cattlegrid_mirror'")])
    if not found[0].rows[0][0]:
        return None
    engine_has_chunks = engine.run([Statement("SELECT count(*) FROM sqlite_schema WHERE name = '_cattlegrid_chunks'")])
    if not engine_has_chunks[0].rows[0][0]:
        (about,) = engine.run([Statement("SELECT name, value FROM _cattlegrid_mirror")])
        return {str(name): str(value) for name, value in about.rows}, []
    about, chunks = engine.run(
        [
            Statement("SELECT name, value FROM _cattlegrid_mirror"),
            Statement("SELECT number, tbl, lo, hi, rows, bytes, digest FROM _cattlegrid_chunks ORDER BY number"),
        ]
    )
    return (
        {str(name): str(value) for name, value in about.rows},
        [
            Chunk(
                int(str(number)),
                _read_range(str(table), lo, hi, int(str(rows)), int(str(size))),
                None if digest is None else str(digest),
            )
            for number, table, lo, hi, rows, size, digest in chunks.rows
        ],
    )


def note(name: str, value: str) -> Statement:
    return Statement(f"INSERT OR REPLACE INTO _cattlegrid_mirror VALUES ({literal(name)}, ?1)", (value,))


def _bound(bound: tuple[str, ...] | None) -> str | None:
    return None if bound is None else json.dumps(bound)


def _hi(one: Range) -> str | None:
    return json.dumps({"keys": one.keys}) if one.keys else _bound(one.hi)


def _read_range(table: str, lo: object, hi: object, rows: int, size: int) -> Range:
    told = None if hi is None else json.loads(str(hi))
    if isinstance(told, dict):
        return Range(table, None, None, rows, size, tuple(tuple(key) for key in told["keys"]))
    return Range(table, _read_bound(lo), _read_bound(hi), rows, size)


def _read_bound(text: object) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(str(text)))
