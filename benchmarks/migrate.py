"""Fifty migrations into an empty database: `cattlegrid migrate` and `wrangler d1 migrations apply`."""

from __future__ import annotations

from collections.abc import Callable

from databases import Bench, started
from measure import ProgramFailed, interleaved, run
from programs import Programs
from results import Goal, Result, rows

from cattlegrid.cloudflare import d1

OURS = "cattlegrid migrate"
WRANGLER = "wrangler d1 migrations apply"


def bench(programs: Programs, *, quick: bool) -> Result:
    count = 5 if quick else 50
    with started(programs) as place:
        place.migrations(
            {f"{number:04}_t{number}.sql": _FILE.replace("tN", f"t{number}") for number in range(1, count + 1)}
        )
        contenders = {
            OURS: _of(place, count, programs.cattlegrid, "migrate", in_root=True),
            WRANGLER: _of(place, count, *programs.parts.wrangler, "d1", "migrations", "apply", "DB", "--remote"),
        }
        found = interleaved(contenders, rounds=1 if quick else 5)
    ratio = found[WRANGLER].over(found[OURS]).median
    return Result(
        "migrate",
        _SETTING.format(count=count),
        rows(found, OURS),
        (Goal(f"≥ 5 x faster than `{WRANGLER}`", ratio, 5, "x", _WHY, at_least=True),),
        _NOTES,
    )


_FILE = """
CREATE TABLE tN (id INTEGER PRIMARY KEY, body TEXT NOT NULL DEFAULT '');
CREATE INDEX tN_body ON tN (body);
CREATE TRIGGER tN_new AFTER INSERT ON tN BEGIN SELECT 'a;b'; END;
INSERT INTO tN (body) VALUES ('x');
"""


def _of(place: Bench, count: int, *argv: str, in_root: bool = False) -> Callable[[], float]:
    def once() -> float:
        database = place.fresh()
        done = run(argv, cwd=place.root if in_root else place.worker, env=place.environ)
        ledger = d1.rows(place.client, database, "SELECT name FROM d1_migrations")
        if len(ledger) != count:
            raise ProgramFailed(f"{' '.join(argv)} left {len(ledger)} rows in the ledger, not {count}:\n{done.out}")
        return done.seconds

    return once


_WHY = "Ours sends the files of a staging database together; its start-up and the checks before are what is left."
_SETTING = """
{count} migration files of four statements each (a table, an index, a trigger, a row), one new database a round, on the
local Cloudflare. Both write the same ledger; the benchmark stops when it does not name every file.
"""
_NOTES = ("Ours sends what may go together in one call; files that must go alone take as long as with wrangler.",)
