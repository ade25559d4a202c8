"""A nasty database, made from a seed: every kind of key and of value that D1 can hold, as plain SQL.

The statements use literals only (or, where those pass D1's 100 KB, hex parameters): nothing of the mirror's own way of
writing helps to make what the mirror is tested with.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator
from typing import TypeAlias

Made: TypeAlias = tuple[str, tuple[str, ...]]

SCHEMA = (
    "CREATE TABLE plain (a, b TEXT, c REAL, d INTEGER, e NUMERIC, f BLOB)",
    "CREATE TABLE numbered (id INTEGER PRIMARY KEY, v, w TEXT DEFAULT 'x')",
    "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
    "CREATE TABLE named (k TEXT PRIMARY KEY, v)",
    "CREATE TABLE pairs (a TEXT, b INTEGER, v, PRIMARY KEY (a, b))",
    "CREATE TABLE nocase (k TEXT COLLATE NOCASE, n INTEGER, v, PRIMARY KEY (k, n)) WITHOUT ROWID",
    "CREATE TABLE anykey (k, l, v, PRIMARY KEY (k, l)) WITHOUT ROWID",
    "CREATE TABLE backwards (k TEXT, n INTEGER, v, PRIMARY KEY (n DESC, k)) WITHOUT ROWID",
    "CREATE TABLE strict_any (id INTEGER PRIMARY KEY, a ANY, b INT, c TEXT, d BLOB) STRICT",
    "CREATE TABLE computed (id INTEGER PRIMARY KEY, a TEXT, n TEXT AS (upper(a)) STORED, m AS (length(a)) VIRTUAL, z)",
    "CREATE TABLE empty (id INTEGER PRIMARY KEY, v TEXT)",
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent TEXT REFERENCES named (k) ON DELETE CASCADE, v)",
    "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree (id), v TEXT)",
    "CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INTEGER REFERENCES egg (id), v)",
    "CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INTEGER NOT NULL REFERENCES hen (id), v)",
    'CREATE TABLE "select ""from"" \'where\'; --" ("order by" TEXT PRIMARY KEY, "a""b" BLOB, "ünï [cödé]" INTEGER)',
    "CREATE TABLE wide (" + ", ".join(f"c{at}" for at in range(100)) + ")",
    "CREATE TABLE wide_key (id INTEGER PRIMARY KEY, " + ", ".join(f"c{at} TEXT" for at in range(99)) + ")",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE articles (slug TEXT PRIMARY KEY, body TEXT)",
    "CREATE VIRTUAL TABLE notes_search USING fts5 (body, content = 'notes', content_rowid = 'id')",
    "CREATE VIRTUAL TABLE articles_search USING fts5(slug UNINDEXED, body, content=\"articles\", tokenize='porter')",
    "CREATE VIRTUAL TABLE free_search USING fts5 (title, body, tokenize = 'trigram')",
    "CREATE VIEW seen AS SELECT id, v FROM numbered WHERE v IS NOT NULL",
    "CREATE INDEX numbered_v ON numbered (v) WHERE v IS NOT NULL",
    "CREATE UNIQUE INDEX counted_v ON counted (v, id)",
    "CREATE INDEX named_expression ON named (typeof(v), lower(k))",
    "CREATE TRIGGER notes_in AFTER INSERT ON notes BEGIN INSERT INTO notes_search (rowid, body) VALUES (1, 2); END",
    "CREATE TRIGGER counted_in AFTER INSERT ON counted BEGIN SELECT CASE WHEN new.v = ';' THEN 1 ELSE 2 END; END",
)

INTEGERS = (0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63))
REALS = (0.0, -0.0, 1.0, -1.5, 1e15, 9.3e18, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e-300, 1e300)
REALS += (float("inf"), float("-inf"), 0.1, 1 / 3, 123456.789e-20)
TEXTS = (
    b"", b"a\0b", b"\0", b"\\n", b"\\n\n\\u0000", b"it's \"quoted\"", "\ufffd".encode(), "é🎉漢".encode(),
    b"\xef\xbb\xbfbom", b"\xff\xfe", b"ok\x80", b"\xed\xa0\x80", b"2026-11-25T10:00:00Z", b"%s -- /* ;", b"12", b"1e5",
    b'{"a":[1,2.5,null,"\\u00e9"]}', b" 7 ", b"\x01\x1f\x7f\r\n\t", "\u2028\u2029\u0085".encode(), b"NULL",
)  # fmt: skip
BLOBS = (b"", b"\0", b"\0\0\1", b"'", bytes(range(256)))


class Nasty:
    """`big` adds rows of up to 2,000,000 bytes; `scale` is about how many rows an ordinary table gets."""

    def __init__(self, seed: int, *, scale: int = 12, big: bool = False) -> None:
        self.random = random.Random(seed)
        self.scale = scale
        self.big = big

    def statements(self) -> Iterator[Made]:
        """Tables, then rows, then what is built on them, as migrations would have made them."""
        tables = [sql for sql in SCHEMA if sql.startswith("CREATE TABLE")]
        yield from ((sql, ()) for sql in tables)
        yield from self._rows()
        yield from ((sql, ()) for sql in SCHEMA if sql not in tables)
        for search in ("notes_search", "articles_search"):
            yield f"INSERT INTO {search} ({search}) VALUES ('rebuild')", ()
        for at in range(self.scale):
            yield f"INSERT INTO free_search (rowid, title, body) VALUES ({at * 7}, {self.text()}, 'body {at}')", ()
        yield "DELETE FROM counted WHERE id > 9000", ()

    def _rows(self) -> Iterator[Made]:
        rowids = [-(2**63), -5, 0, 7, 42, 2**53 + 1, 2**63 - 1, *range(100, 100 + self.scale)]
        for rowid in rowids:
            values = f"{self.any()}, {self.text()}, {self.real()}, {self.integer()}, {self.any()}, {self.blob()}"
            yield f"INSERT INTO plain (rowid, a, b, c, d, e, f) VALUES ({rowid}, {values})", ()
            yield f"INSERT INTO numbered VALUES ({rowid}, {self.any()}, {self.text()})", ()
        for at in range(self.scale):
            yield from self._keyed(at)
        for at in range(self.scale):
            parent = f"'k{self.random.randrange(self.scale)}'" if self.random.random() < 0.8 else "NULL"
            yield f"INSERT INTO child VALUES ({at}, {parent}, {self.any()})", ()
        yield "INSERT INTO counted VALUES (9999, 'gone later')", ()
        yield from self._circles()
        if self.big:
            yield from self._big()

    def _keyed(self, at: int) -> Iterator[Made]:
        yield f"INSERT INTO counted (v) VALUES ({self.text()})", ()
        yield f"INSERT INTO named VALUES ('k{at}', {self.any()})", ()
        yield f"INSERT INTO pairs VALUES ({self.text()}, {at}, {self.any()})", ()
        yield f"INSERT INTO nocase VALUES ({self.text()} || 'Ab', {at}, {self.any()})", ()
        yield f"INSERT OR IGNORE INTO anykey VALUES ({self.key()}, {self.key()}, {self.any()})", ()
        yield f"INSERT INTO backwards VALUES ({self.text()}, {at % 5 + 10 * at}, {self.any()})", ()
        yield f"INSERT INTO strict_any VALUES ({at}, {self.any()}, {self.integer()}, {self.text()}, {self.blob()})", ()
        yield f"INSERT INTO computed (id, a, z) VALUES ({at}, {self.text()}, {self.any()})", ()
        yield f'INSERT INTO "select ""from"" \'where\'; --" VALUES (\'k\' || {at}, {self.blob()}, {self.integer()})', ()
        yield f"INSERT INTO notes VALUES ({at * 3}, {self.text()} || ' word{at}')", ()
        yield f"INSERT INTO articles VALUES ('slug-{at}', {self.text()})", ()
        if at < 4:
            yield "INSERT INTO wide VALUES (" + ", ".join(self.any() for _ in range(100)) + ")", ()
            texts = ", ".join(self.text() for _ in range(99))
            yield f"INSERT INTO wide_key VALUES ({at}, {texts})", ()

    def _circles(self) -> Iterator[Made]:
        for at in range(self.scale):
            yield f"INSERT INTO tree VALUES ({at}, NULL, {self.text()})", ()
            yield f"INSERT INTO hen VALUES ({at}, NULL, {self.any()})", ()
            yield f"INSERT INTO egg VALUES ({at}, {at}, {self.any()})", ()
        for at in range(self.scale):
            yield f"UPDATE tree SET up = {self.random.randrange(self.scale)} WHERE id = {at}", ()
            yield f"UPDATE hen SET egg = {self.random.randrange(self.scale)} WHERE id = {at}", ()

    def _big(self) -> Iterator[Made]:
        """Rows far over a statement's 100 KB, up to the longest that D1 takes."""
        for at, size in enumerate((150_000, 899_999, 900_001, 1_200_000, 1_999_000)):
            raw = self.random.randbytes(size)
            pieces = [raw[start : start + 900_000].hex() for start in range(0, size, 900_000)]
            marks = " || ".join(f"unhex(?{number + 1})" for number in range(len(pieces)))
            yield f"INSERT INTO numbered (id, v) VALUES ({5000 + at}, CAST({marks} AS BLOB))", tuple(pieces)
            text = ("zeile é\n" * (size // 9)).encode().hex()
            pieces = [text[start : start + 1_800_000] for start in range(0, len(text), 1_800_000)]
            marks = " || ".join(f"unhex(?{number + 1})" for number in range(len(pieces)))
            yield f"INSERT INTO named VALUES ('big{at}', CAST({marks} AS TEXT))", tuple(pieces)
        torn = (b"torn \xff\xfe" * 150_000).hex()
        pieces = [torn[start : start + 1_800_000] for start in range(0, len(torn), 1_800_000)]
        marks = " || ".join(f"unhex(?{number + 1})" for number in range(len(pieces)))
        yield f"INSERT INTO named VALUES ('torn', CAST({marks} AS TEXT))", tuple(pieces)

    def any(self) -> str:
        return self.random.choice((self.text, self.integer, self.real, self.blob, lambda: "NULL"))()

    def key(self) -> str:
        return self.random.choice((self.text, self.integer, self.real, self.blob))()

    def text(self) -> str:
        raw = self.random.choice(TEXTS)
        if self.random.random() < 0.4:
            raw = "".join(chr(self.random.choice((97, 233, 0x6F22, 0x1F389, 10, 0))) for _ in range(9)).encode()
        return f"CAST(x'{raw.hex()}' AS TEXT)"

    def blob(self) -> str:
        raw = self.random.choice((*BLOBS, self.random.randbytes(self.random.randrange(40))))
        return f"x'{raw.hex()}'"

    def integer(self) -> str:
        number = self.random.choice((*INTEGERS, self.random.randrange(-(2**63), 2**63), self.random.randrange(1000)))
        return str(number)

    def real(self) -> str:
        """As mantissa and power of two: no decimal form stands between."""
        number = self.random.choice((*REALS, self._any_double(), self._any_double()))
        if math.isnan(number):
            return "NULL"
        if number in (float("inf"), float("-inf")):
            return "9e999" if number > 0 else "-9e999"
        if number == 0.0:
            return "(0.0 * -1.0)" if str(number) == "-0.0" else "0.0"
        top, bottom = number.as_integer_ratio()
        shift = 0
        while top % 2 == 0:
            top, shift = top // 2, shift + 1
        return f"({top} * pow(2.0, {shift - bottom.bit_length() + 1}))"

    def _any_double(self) -> float:
        return float(struct.unpack("<d", self.random.randbytes(8))[0])
