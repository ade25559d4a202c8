"""Three hundred tables compared: `cattlegrid schema diff`, and two exports by wrangler with diff behind them."""

from __future__ import annotations

from collections.abc import Callable

from databases import Bench, started
from measure import interleaved, run
from programs import Programs
from results import Result, rows

from cattlegrid.database.ledger import record_sql, table_sql

OURS = "cattlegrid schema diff"
EXPORTS = "wrangler d1 export --no-data, twice, and diff"


def bench(programs: Programs, *, quick: bool) -> Result:
    count = 10 if quick else 300
    with started(programs) as place:
        files = {f"{number:04}_t.sql": _tables(number * 10, number * 10 + 10) for number in range(1, count // 10 + 1)}
        place.migrations(files)
        rows_of_ledger = "\n".join(record_sql("d1_migrations", name) for name in files)
        place.fresh("".join((*files.values(), table_sql("d1_migrations"), rows_of_ledger)))
        contenders = {OURS: _ours(programs, place), EXPORTS: _exports(programs, place)}
        found = interleaved(contenders, rounds=1 if quick else 5)
    return Result(
        "schema",
        _SETTING.format(count=count, files=len(files)),
        rows(found, OURS),
        (),
        ("The exports are compared as text, and know nothing of the commit.",),
    )


_SETTING = """
{count} tables of six columns, each with a check, a foreign key, an index and a trigger, made by {files} migrations and
live in both environments of a fleet on the local Cloudflare. Ours builds the commit's structure from the migrations and
compares it with staging and production; all three are equal.
"""
_TABLE = """
CREATE TABLE tN (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT DEFAULT CURRENT_TIMESTAMP,
  size INTEGER CHECK (size > 0), other INTEGER REFERENCES tM (id), low TEXT AS (lower(name)));
CREATE INDEX tN_name ON tN (name, size DESC);
CREATE TRIGGER tN_new AFTER INSERT ON tN BEGIN UPDATE tN SET size = 1 WHERE id = new.id; END;
"""


def _tables(first: int, end: int) -> str:
    return "".join(_TABLE.replace("tN", f"t{n}").replace("tM", f"t{first}") for n in range(first, end))


def _ours(programs: Programs, place: Bench) -> Callable[[], float]:
    return lambda: run([programs.cattlegrid, "schema", "diff"], cwd=place.root, env=place.environ).seconds


def _exports(programs: Programs, place: Bench) -> Callable[[], float]:
    def once() -> float:
        seconds = 0.0
        for environment in ("", "production"):
            words = ["d1", "export", "DB", "--remote", "--no-data", "-y", "--output", f"{environment or 'staging'}.sql"]
            argv = [*programs.parts.wrangler, *words, f"--env={environment}"]
            seconds += run(argv, cwd=place.worker, env=place.environ).seconds
        return seconds + run(["diff", "staging.sql", "production.sql"], cwd=place.worker, env=place.environ).seconds

    return once
