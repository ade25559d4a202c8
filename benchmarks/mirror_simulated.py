"""The mirror's own part of the work, by simulation: production and staging are stand-ins that answer at once.

`python mirror_simulated.py ROWS` prints JSON: seconds of processor time without what the stand-ins took, the most
memory in megabytes, calls, and rows. Reading, masking, writing, reading back, comparing and the leak scan's
first part are the mirror's own code; there is no D1, no HTTP, and no plan of ranges by the database.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence

import orjson

from cattlegrid.clock import Clock
from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.mirror import copying, parcels, policy, schema
from cattlegrid.mirror.copying import Road, Tally
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.progress import Chunk
from cattlegrid.mirror.ranges import Range
from cattlegrid.model.fleet import MirrorSettings
from cattlegrid.model.secret import Secret

_TABLE = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, org TEXT, score REAL, bio TEXT)"
_LETTERS = "itttrt"
_WEIGHT = 230
_MASKS = {"users.email": "email", "users.name": "name", "users.org": "keep", "users.bio": "text"}
_LAST = re.compile(r"<= \((\d+)\)")
_WORDS = [f"word{number}" for number in range(500)]


class StandIn:
    """An engine that answers statements about ranges of `users`; `took` is the processor time that it needed."""

    name = "a stand-in"
    share = 1.0

    def __init__(self, answer: Callable[[Statement], list[list[object]]]) -> None:
        self.answer = answer
        self.engine = self
        self.calls = 0
        self.took = 0.0
        self._turn = threading.Lock()

    def run(self, statements: Sequence[Statement]) -> list[Result]:
        started = time.thread_time()
        found = [Result(self.answer(statement)) for statement in statements]
        with self._turn:
            self.calls += 1
            self.took += time.thread_time() - started
        return found

    write = run

    def bytes_of(self, expression: str) -> str:
        return f"octet_length({expression})"


class Staging:
    """Keeps what is written until it is read back."""

    def __init__(self) -> None:
        self.held: dict[str, list[list[object]]] = {}
        self.written = ""

    def answer(self, statement: Statement) -> list[list[object]]:
        last = _LAST.search(statement.sql)
        if statement.sql.startswith("DELETE") and last:
            self.written = last[1]
            self.held[self.written] = []
        elif statement.sql.startswith("INSERT"):
            self.held[self.written] += [[*row, _LETTERS] for row in orjson.loads(statement.parameters[0])]
        elif statement.sql.startswith("SELECT") and last:
            return self.held.pop(last[1])
        return []


def production(statement: Statement) -> list[list[object]]:
    last = int(_LAST.search(statement.sql)[1])  # type: ignore[index] # every range here has an end
    return [_row(number) for number in range(last - _EACH + 1, last + 1)]


def _row(number: int) -> list[object]:
    bio = " ".join(_WORDS[number * step % 500] for step in range(1, 19))
    name = f"Given{number % 700} Family{number % 1300}"
    return [number, f"user{number}@corp.io", name, f"org-{number % 50}", number / 7, bio, _LETTERS]


_EACH = parcels.grain(parcels.TARGET) // _WEIGHT


def main(wanted: int) -> None:
    with OnFile(":memory:") as engine:
        engine.run([Statement(_TABLE)])
        shape = schema.read(engine)
    rules = policy.resolve(shape, MirrorSettings(mask=_MASKS), Secret("a key for benchmarks only"), ()).rules
    leaks = Leaks(rules)
    ends = range(0, wanted, _EACH)
    ranges = [Range("users", (str(at),), (str(at + _EACH),), _EACH, _EACH * _WEIGHT) for at in ends]
    chunks = [Chunk(number, one) for number, one in enumerate(ranges)]
    source, target = StandIn(production), StandIn(Staging().answer)
    tables = {"users": shape.filled[0]}
    road = Road(source, target, tables, rules, Tally(Clock()), leaks.original, leaks.written)
    started = time.process_time()
    done = copying.copy(road, parcels.parcels(shape.filled, chunks))
    spent = time.process_time() - started - source.took - target.took
    rows = sum(chunk.range.rows for chunk in done)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": spent, "memory": memory, "calls": source.calls + target.calls, "rows": rows}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
