"""Where SQL runs: a D1 database over REST, or an SQLite file. Both are spoken to in the same statements."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.errors import Failed
from cattlegrid.mirror.portion import Portion, patiently

VALUE_BYTES: Final = 2_000_000
PARAMETER_BYTES: Final = 1_900_000


class Engine(Protocol):
    """`run` is one transaction. `bytes_of` is the engine's SQL for a value's length in bytes. `share` is how much of an
    ordinary call it should be asked for now, from 1 down: less while it is slow.
    """

    @property
    def name(self) -> str: ...

    def run(self, statements: Sequence[Statement]) -> list[Result]: ...

    def bytes_of(self, expression: str) -> str: ...

    @property
    def share(self) -> float: ...


@dataclass
class Bill:
    """What the calls to one engine came to: rows as D1 bills them, `milliseconds` of the engine's own time. Safe to
    share between threads.
    """

    calls: int = 0
    rows_read: int = 0
    rows_written: int = 0
    milliseconds: float = 0.0
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, results: Sequence[Result]) -> None:
        with self._turn:
            self.calls += 1
            self.rows_read += sum(one.rows_read for one in results)
            self.rows_written += sum(one.rows_written for one in results)
            self.milliseconds += sum(one.milliseconds for one in results)


@dataclass
class OnD1:
    """One D1 database. Every call may be made twice to the same effect: what the mirror writes replaces itself."""

    client: Client
    id: str
    name: str
    portion: Portion = field(default_factory=Portion)
    bill: Bill = field(default_factory=Bill)

    def run(self, statements: Sequence[Statement]) -> list[Result]:
        results = patiently(self.client.clock, lambda: d1.batch(self.client, self.id, statements, repeatable=True))
        self.bill.add(results)
        self.portion.felt(results[0].seconds if results else 0.0, sum(one.milliseconds for one in results))
        return results

    def bytes_of(self, expression: str) -> str:
        return f"octet_length({expression})"

    @property
    def share(self) -> float:
        return self.portion.share


class OnFile:
    """An SQLite file on this machine. `pragmas` are run when it is opened; close it, or use it in a `with`."""

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        self.name = str(path)
        self.bill = Bill()
        self._turn = threading.Lock()
        where = f"file:{path}?mode=ro" if read_only else f"file:{path}"
        self._db = sqlite3.connect(where, uri=True, isolation_level=None, check_same_thread=False)
        self._db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self._db.create_function("unhex", 1, _unhex, deterministic=True)
        self._db.execute("PRAGMA foreign_keys = ON")

    @property
    def share(self) -> float:
        return 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def run(self, statements: Sequence[Statement]) -> list[Result]:
        """Raises Failed in SQLite's own words; then nothing was written."""
        with self._turn:
            self._db.execute("BEGIN")
            try:
                results = [self._one(statement) for statement in statements]
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._db.execute("ROLLBACK")
                raise Failed(f"{error}", where=self.name) from error
        self.bill.add(results)
        return results

    def bytes_of(self, expression: str) -> str:
        return f"length(CAST({expression} AS BLOB))"

    def _one(self, statement: Statement) -> Result:
        rows = [[_jsonable(value) for value in row] for row in self._db.execute(statement.sql, statement.parameters)]
        return Result(rows, replaced=any("\ufffd" in value for row in rows for value in row if type(value) is str))


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _jsonable(value: object) -> object:
    """As D1's JSON has it: infinities are null there, and a blob never leaves as one."""
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value


Ask = Callable[[Sequence[Statement]], list[Result]]
