"""The loop: read a parcel from production, mask it, write it, read it back, compare, note it down; then the next."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cattlegrid.clock import Clock
from cattlegrid.cloudflare.d1 import Statement
from cattlegrid.errors import CattlegridError, Failed
from cattlegrid.mirror import progress, rows, rules, values, writing
from cattlegrid.mirror.engine import Engine
from cattlegrid.mirror.parcels import Parcel
from cattlegrid.mirror.portion import TooMuch
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.ranges import Range, at, key_columns
from cattlegrid.mirror.rules import Rules
from cattlegrid.mirror.schema import Table, quoted
from cattlegrid.mirror.structure import Writer
from cattlegrid.mirror.values import Row

_AGAIN = 3

T = TypeVar("T")


@dataclass
class Tally:
    """Where the time went, and how far it is; `samples` are (seconds since the start, rows, bytes) for the picture."""

    clock: Clock
    total_rows: int = 0
    total_bytes: int = 0
    rows: int = 0
    bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    started: float = field(default=-1.0)
    listen: Callable[[Tally], None] = field(default=lambda _: None)

    def spent(self, step: str, since: float) -> float:
        now = self.clock.monotonic()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - since
        return now

    def done(self, rows: int, size: int) -> None:
        if self.started < 0:
            self.started = self.clock.monotonic()
        self.rows += rows
        self.bytes += size
        self.samples.append((self.clock.monotonic() - self.started, self.rows, self.bytes))
        self.listen(self)


@dataclass(frozen=True)
class Loaded:
    """A chunk's rows as staging is to have them, and their canonical lines."""

    chunk: Chunk
    rows: list[Row]
    lines: list[str]

    @property
    def digest(self) -> str:
        return digest(self.lines)


@dataclass(frozen=True)
class Road:
    """From where, to where, which tables, under which rules. `original` sees the rows before they are masked, what it
    returns sees them afterwards, and `written` what staging holds.
    """

    source: Engine
    writer: Writer
    tables: Mapping[str, Table]
    rules: Rules
    tally: Tally
    original: Callable[[Table, Sequence[Row]], Callable[[Sequence[Row]], None]] = lambda _table, _rows: lambda _: None
    written: Callable[[Table, Sequence[Row]], None] = lambda _table, _rows: None


def digest(lines: Sequence[str]) -> str:
    """Of a range's rows in their canonical form, in the order of their keys: 32 hex digits."""
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def copy(road: Road, parcels: Sequence[Parcel]) -> list[Chunk]:
    """Copy what is not verified yet. Every chunk, verified. Raises Failed, naming table and key range.

    Four things at once: a parcel is read from production, one is masked, one written and one read back.
    They are read back in their order, so what the mending of one takes from a later one (ON DELETE CASCADE) is seen.
    """
    finished: dict[int, Chunk] = {chunk.number: chunk for parcel in parcels for chunk in parcel.chunks}
    waiting = [rest for parcel in parcels if (rest := _rest(parcel)).chunks]
    noted: list[tuple[Chunk, int, str]] = []
    circles: list[Parcel] = []
    reading_back: Future[list[tuple[Chunk, int, str]]] | None = None
    following = ahead(_masked(road, ahead(_read(road, waiting))))
    with closing(following), ThreadPoolExecutor(1, "mirror-verify") as verifier:
        for parcel, loaded in following:
            _write(road, parcel, loaded, noted)
            held = [one for one in loaded if parcel.held.get(one.chunk.range.table)]
            circles += [Parcel(tuple(one.chunk for one in held), parcel.held)] if held else []
            noted = reading_back.result() if reading_back else []
            _count(road, finished, noted)
            reading_back = verifier.submit(_verify, road, [one for one in loaded if one not in held])
    if reading_back is not None:
        if noted:
            road.writer.write(progress.verified(noted))
        noted = reading_back.result()
        _count(road, finished, noted)
    if noted:
        road.writer.write(progress.verified(noted))
    for parcel in circles:
        _close(road, parcel, finished)
    return [finished[number] for number in sorted(finished)]


def load(road: Road, chunks: Sequence[Chunk]) -> list[Loaded]:
    """Read and mask. A chunk that is too much for one call is read in halves."""
    return _mask(road, chunks, _rows(road, chunks))


def _rows(road: Road, chunks: Sequence[Chunk]) -> list[list[Row]]:
    started = road.tally.clock.monotonic()
    found = read(road.source, road.tables, [chunk.range for chunk in chunks], road.rules.blank)
    road.tally.spent("read", started)
    return found


def _mask(road: Road, chunks: Sequence[Chunk], found: Sequence[list[Row]]) -> list[Loaded]:
    started = road.tally.clock.monotonic()
    loaded = []
    for chunk, its in zip(chunks, found, strict=True):
        table = road.tables[chunk.range.table]
        masked = road.original(table, its)
        rules.apply(table, road.rules.of(table), its)
        masked(its)
        loaded.append(Loaded(chunk, its, values.lines(its)))
    road.tally.spent("mask", started)
    return loaded


def read(engine: Engine, tables: Mapping[str, Table], ranges: Sequence[Range], blank: rows.Blank) -> list[list[Row]]:
    """The rows of each range. A call that is too much for D1 is made again for less."""
    try:
        return rows.read(engine, tables, ranges, blank)
    except TooMuch:
        if len(ranges) > 1:
            return [found for one in ranges for found in read(engine, tables, [one], blank)]
        parts = halves(engine, tables[ranges[0].table], ranges[0])
        if len(parts) == 1:
            raise
        return [[row for part in parts for row in read(engine, tables, [part], blank)[0]]]


def halves(engine: Engine, table: Table, one: Range) -> list[Range]:
    """The range in two of as many rows, or by itself when it holds one row."""
    if len(one.keys) > 1:
        half = len(one.keys) // 2
        parts = one.keys[:half], one.keys[half:]
        return [replace(one, keys=keys, rows=len(keys), bytes=one.bytes // 2) for keys in parts]
    shown, letters = key_columns(table.key)
    count, middle = engine.run(
        [
            Statement(f"SELECT count(*) FROM {quoted(table.name)} WHERE {one.where(table)}"),
            Statement(
                f"SELECT {shown}, {letters} FROM {quoted(table.name)} WHERE {one.where(table)}"
                f" ORDER BY {', '.join(table.key)} LIMIT 1 OFFSET"
                f" (SELECT (count(*) - 1) / 2 FROM {quoted(table.name)} WHERE {one.where(table)})"
            ),
        ]
    )
    number = int(str(count.rows[0][0]))
    if number < 2:
        return [one]
    key = at(str(middle.rows[0][-1]), middle.rows[0][:-1])
    return [
        Range(one.table, one.lo, key, number // 2, one.bytes // 2),
        Range(one.table, key, one.hi, number - number // 2, one.bytes // 2),
    ]


def _rest(parcel: Parcel) -> Parcel:
    return replace(parcel, chunks=tuple(chunk for chunk in parcel.chunks if not chunk.verified))


def ahead(items: Generator[T]) -> Generator[T]:
    """The items; while one is used, the next one is made."""
    with closing(items), ThreadPoolExecutor(1, "mirror-ahead") as thread:
        following = thread.submit(next, items, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, items, None)
            yield item


def _read(road: Road, parcels: Sequence[Parcel]) -> Generator[tuple[Parcel, list[list[Row]]]]:
    for parcel in _cut(road, parcels):
        yield parcel, _rows(road, parcel.chunks)


def _masked(road: Road, parcels: Iterator[tuple[Parcel, list[list[Row]]]]) -> Generator[tuple[Parcel, list[Loaded]]]:
    for parcel, found in parcels:
        yield parcel, _mask(road, parcel.chunks, found)


def _cut(road: Road, parcels: Sequence[Parcel]) -> Iterator[Parcel]:
    """The parcels, in parts while production or staging is slow."""
    for parcel in parcels:
        rest = parcel
        while rest.chunks:
            share = min(road.source.share, road.writer.engine.share)
            part, rest = rest.cut(math.ceil(len(parcel.chunks) * share))
            yield part


def _write(road: Road, parcel: Parcel, loaded: Sequence[Loaded], noted: list[tuple[Chunk, int, str]]) -> None:
    started = road.tally.clock.monotonic()
    statements = [Statement("PRAGMA defer_foreign_keys = ON")]
    for one in loaded:
        table = road.tables[one.chunk.range.table]
        hold = parcel.held.get(table.name, ())
        its = _without(table, one, hold) if hold else one
        statements += writing.replace(table, its.chunk.range, its.rows, its.lines)
    if noted:
        statements += progress.verified(noted)
    try:
        road.writer.write(statements)
    except TooMuch:
        if len(loaded) == 1:
            raise
        for one in loaded:
            _write(road, parcel, [one], [])
        if noted:
            road.writer.write(progress.verified(noted))
    except CattlegridError as error:
        if error.exit_code != 1:
            raise
        raise Failed(
            f"staging does not take the rows: {error.what}",
            where="; ".join(f"table {one.chunk.range.table}, {one.chunk.range.shown}" for one in loaded[:3]),
        ) from error
    road.tally.spent("write", started)


def _without(table: Table, one: Loaded, held: Sequence[str]) -> Loaded:
    its = [list(row) for row in one.rows]
    for column in held:
        at = table.carried.index(quoted(column))
        for row in its:
            rules.put(row, at, "n", None)
    return Loaded(one.chunk, its, values.lines(its))


def _verify(road: Road, loaded: Sequence[Loaded]) -> list[tuple[Chunk, int, str]]:
    """Reads back what was written, compares all of it, writes again what differs. Raises Failed at the third time."""
    wrong = list(loaded)
    for attempt in range(_AGAIN):
        started = road.tally.clock.monotonic()
        wrong = [one for one, its in zip(wrong, back(road, wrong), strict=True) if not _same(one, its)]
        road.tally.spent("verify", started)
        if not wrong:
            return [(one.chunk, len(one.rows), one.digest) for one in loaded]
        road.tally.mended += [f"{one.chunk.range.table}, {one.chunk.range.shown}" for one in wrong]
        if attempt < _AGAIN - 1:
            for one in wrong:
                _write(road, Parcel((one.chunk,), {}), [one], [])
    raise Failed(
        f"staging holds something else than what was written there, {_AGAIN} times over",
        where=f"table {wrong[0].chunk.range.table}, {wrong[0].chunk.range.shown}",
    )


def back(road: Road, loaded: Sequence[Loaded]) -> list[list[Row]]:
    """The rows that staging holds in the ranges of these chunks."""
    if not loaded:
        return []
    found = read(road.writer.engine, road.tables, [one.chunk.range for one in loaded], {})
    for one, its in zip(loaded, found, strict=True):
        road.written(road.tables[one.chunk.range.table], its)
    return found


def _same(one: Loaded, its: list[Row]) -> bool:
    """Rows of equal values and letters have equal lines; others may have, where text with a NUL went as hex."""
    return its == one.rows or values.lines(its) == one.lines


def _count(road: Road, finished: dict[int, Chunk], noted: Sequence[tuple[Chunk, int, str]]) -> None:
    for chunk, number, what in noted:
        one = chunk.range
        finished[chunk.number] = Chunk(chunk.number, replace(one, rows=number), what)
    road.tally.done(sum(number for _, number, _ in noted), sum(chunk.range.bytes for chunk, _, _ in noted))


def _close(road: Road, parcel: Parcel, finished: dict[int, Chunk]) -> None:
    """Sets the references that were held back, now that every row is there, and verifies the whole rows."""
    loaded = load(road, parcel.chunks)
    started = road.tally.clock.monotonic()
    statements = [Statement("PRAGMA defer_foreign_keys = ON")]
    for one in loaded:
        table = one.chunk.range.table
        statements += writing.update(road.tables[table], parcel.held[table], one.rows, one.lines)
    road.writer.write(statements)
    road.tally.spent("write", started)
    noted = _verify(road, loaded)
    road.writer.write(progress.verified(noted))
    _count(road, finished, noted)
