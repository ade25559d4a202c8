"""A database from production into staging: `cattlegrid mirror` against export and import, and SQLite alone."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_cloud import local
from measure import ProgramFailed, Series, interleaved, run
from programs import HERE, Programs
from results import Goal, Result, Row, rows

from cattlegrid.clock import Clock
from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.database.marker import mark_sql
from cattlegrid.mirror import run as mirror
from cattlegrid.mirror import schema
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.restoring import FreshWriter
from cattlegrid.mirror.rules import KEEP_ALL
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account

TITLE = "mirror"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Ours:
    """One mirror: seconds, the most memory it held in megabytes, its calls, and the rows it had at work."""

    seconds: float
    memory: float
    calls: int
    rows: int


@dataclass(frozen=True)
class Field:
    """A cloud with a filled production and an empty staging, the fleet's folder, and the same rows as a file."""

    programs: Programs
    folder: Path
    environ: Mapping[str, str]
    file: Path
    small: int
    big: int

    def ours(self) -> Ours:
        argv = (sys.executable, "-c", _MOST, self.programs.cattlegrid, "mirror", "--in-place", "--json")
        ran = run(argv, cwd=self.folder, env=self.environ, timeout=1800)
        memory, _, told = ran.out.partition("\n")
        (one,) = json.loads(told)["databases"]
        return Ours(ran.seconds, int(memory) / 1024, one["calls"], self.small + self.big)

    def wrangler(self) -> float:
        """Export and import; staging is emptied first, since an import does not replace."""
        out = self.folder / "export.sql"
        tool = [*self.programs.parts.wrangler, "d1"]
        emptied = "DROP TABLE IF EXISTS users; DROP TABLE IF EXISTS docs"
        run([*tool, "execute", "staging", "--remote", "--yes", "--command", emptied], cwd=self.folder, env=self.environ)
        tables = ("--table", "users", "--table", "docs")
        exported = [*tool, "export", "production", "--remote", *tables, "--output", str(out)]
        imported = [*tool, "execute", "staging", "--remote", "--yes", "--file", str(out)]
        return sum(run(argv, cwd=self.folder, env=self.environ, timeout=900).seconds for argv in (exported, imported))

    def dump(self) -> float:
        target = self.folder / "dumped.db"
        target.unlink(missing_ok=True)
        piped = f"sqlite3 {self.file} .dump | sqlite3 {target}"
        return run(["sh", "-c", piped], cwd=self.folder, env=self.environ).seconds

    def executemany(self) -> float:
        target = self.folder / "many.db"
        target.unlink(missing_ok=True)
        return run(
            [sys.executable, "-c", _MANY, str(self.file), str(target)], cwd=self.folder, env=self.environ
        ).seconds


def bench(programs: Programs, *, quick: bool) -> Result:
    small = 2_000 if quick else 100_000 if LARGE else 30_000
    with field(programs, small, 0) as plain:
        mirrored = plain.ours()
        contenders: dict[str, Callable[[], float]] = {
            "sqlite3 .dump | sqlite3 (a file; nothing masked or verified)": plain.dump,
            "executemany (a file; nothing masked or verified)": plain.executemany,
        }
        found = {OURS: Series((mirrored.seconds,))} | interleaved(contenders, rounds=1)
        found[WRANGLER] = Series((plain.wrangler(),))
    with field(programs, 2_000, 2) as few:
        notes = [_wrangler_with_big(few)]
    sizes = [(2_000, 5)] if quick else [(10_000, 10), (100_000, 100)] + [(1_000_000, 1_000)] * LARGE
    grown = []
    for number, big in sizes:
        with field(programs, number, big) as more:
            grown.append(more.ours())
    if not LARGE:
        notes.append("CATTLEGRID_BENCH_LARGE=1 measures 1,000,000 rows and 1,000 of 500 KB too (a quarter of an hour).")
    table = [*rows(found, OURS)]
    table += [
        Row(f"{OURS}: {number:,} rows and {big:,} of 500 KB", Series((one.seconds,)), "s")
        for (number, big), one in zip(sizes, grown, strict=True)
    ]
    notes += [_told(one) for one in grown]
    simulated = [_simulated(programs, 10**power) for power in ([4, 5] if quick else [4, 5, 6] + [7] * LARGE)]
    notes += [f"By simulation, without D1 and HTTP: {_told(one)}" for one in simulated]
    return Result(TITLE, _SETTING.format(small=small), tuple(table), _goals(found, grown, simulated), tuple(notes))


OURS = "cattlegrid mirror (masked, every value read back)"
WRANGLER = "wrangler d1 export + execute --file"
LARGE = os.environ.get("CATTLEGRID_BENCH_LARGE") == "1"


def _told(one: Ours) -> str:
    each = one.seconds / one.rows * 1e6
    return f"{one.rows:,} rows: {one.calls} calls, {one.memory:.0f} MB of memory, {each:.0f} µs a row."


def _simulated(programs: Programs, number: int) -> Ours:
    """The mirror's own processor time, memory and calls, between stand-ins that answer at once."""
    argv = [sys.executable, str(HERE / "mirror_simulated.py"), str(number)]
    return Ours(**json.loads(run(argv, cwd=HERE, env=programs.environ, timeout=3600).out))


def _wrangler_with_big(heavy: Field) -> str:
    try:
        seconds = heavy.wrangler()
    except ProgramFailed as failed:
        lines = [line.strip() for line in _COLOUR.sub("", str(failed)).splitlines() if line.strip()]
        last = next((line for line in lines[1:] if "rror" in line or "SQLITE" in line), lines[-1])[:200]
        return f"With rows of 500 KB, wrangler's export and import fail: {last}"
    return f"With rows of 500 KB, wrangler's export and import took {seconds:.0f} s."


def _goals(found: Mapping[str, Series], grown: Sequence[Ours], simulated: Sequence[Ours]) -> tuple[Goal, ...]:
    faster, most = found[WRANGLER].over(found[OURS]).median, grown[-1]
    least, large = simulated[0], simulated[-1]
    each = large.seconds / large.rows / (least.seconds / least.rows)
    sizes = f"{least.rows:,} to {large.rows:,} rows, by simulation"
    held, calls = f"≤ 300 MB of memory with {most.rows:,} rows", f"≤ 800 calls with {most.rows:,} rows"
    return (
        Goal("≥ 10 x faster than wrangler's export and import", faster, 10, "x", _LOADED, at_least=True),
        Goal(held, most.memory, 300, "MB", "It holds more than it was meant to."),
        Goal(calls, most.calls, 800, "calls", "It makes more than it was meant to."),
        Goal(f"constant time per row from {sizes}", each, 1.25, "x", _LOADED),
        Goal(f"flat memory from {sizes}", large.memory / least.memory, 2, "x", "It holds more than it was meant to."),
        Goal(f"≤ 90 s with {most.rows:,} rows", most.seconds, 90, "s", _LOADED),
    )


@contextmanager
def field(programs: Programs, small: int, big: int) -> Iterator[Field]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        file = folder / "rows.sqlite"
        _fill(file, small, big)
        with local(programs, folder / "cloud") as cloud:
            environ = {**cloud.environ, "MIRROR_KEY": "a key for benchmarks only"}
            account = Account(cloud.running.base_url, cloud.running.account, Secret(environ["CLOUDFLARE_API_TOKEN"]))
            with Client(account) as client:
                ids = [_database(client, environment, file) for environment in Environment]
            _fleet(folder, ids[0], ids[1])
            yield Field(programs, folder, environ, file, small, big)


def _database(client: Client, environment: Environment, file: Path) -> str:
    def mark(new: d1.Listed) -> None:
        d1.ensure(client, new.id, mark_sql(environment))

    writer = FreshWriter(client, environment.value, mark)
    if environment is Environment.PRODUCTION:
        with OnFile(file, read_only=True) as source:
            job = mirror.Job(source, writer, schema.read(source), KEEP_ALL, Clock(), lambda: "", {})
            mirror.run(job, Leaks(KEEP_ALL))
            mirror.forget(writer)
    return writer.database.id


def _fleet(folder: Path, staging: str, production: str) -> None:
    worker = folder / "workers" / "one"
    worker.mkdir(parents=True)
    for place, config in ((worker, _CONFIG), (folder, _BOTH)):
        (place / "wrangler.toml").write_text(config.format(staging=staging, production=production))
    (folder / "cattlegrid.toml").write_text(_SETTINGS)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)


def _fill(file: Path, small: int, big: int) -> None:
    dice = random.Random(11)  # noqa: S311 - the same rows in every run
    with closing(sqlite3.connect(file)) as db:
        db.execute(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, org TEXT, created_at TEXT,"
            " score REAL, bio TEXT)"
        )
        db.execute("CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT, raw BLOB)")
        words = [f"word{number}" for number in range(500)]
        db.executemany(
            "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    number,
                    f"user{number}@corp{number % 97}.io",
                    f"Given{number % 700} Family{number % 1300}",
                    f"org-{number % 50}",
                    f"2026-0{number % 9 + 1}-11T10:00:00Z",
                    dice.random() * 1000,
                    " ".join(dice.choices(words, k=18)),
                )
                for number in range(1, small + 1)
            ),
        )
        text = "a line of a longer document\n" * 9000
        db.executemany(
            "INSERT INTO docs VALUES (?, ?, ?)",
            ((number, text[:250_000], dice.randbytes(250_000)) for number in range(1, big + 1)),
        )
        db.commit()


_MOST = """
import resource, subprocess, sys
told = subprocess.run(sys.argv[1:], check=True, stdout=subprocess.PIPE).stdout.decode()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(told)
"""
_MANY = """
import sqlite3, sys
here, there = sqlite3.connect(sys.argv[1]), sqlite3.connect(sys.argv[2])
for name, sql in here.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall():
    there.execute(sql)
    rows = here.execute(f"SELECT * FROM {name}")
    there.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows.description))})", rows)
there.commit()
"""
_CONFIG = """\
name = "one-staging"
main = "index.js"
compatibility_date = "2026-11-01"

[[d1_databases]]
binding = "DB"
database_name = "staging"
database_id = "{staging}"

[env.production]
name = "one"

[[env.production.d1_databases]]
binding = "DB"
database_name = "production"
database_id = "{production}"
"""
_BOTH = """\
name = "both"

[[d1_databases]]
binding = "STAGING"
database_name = "staging"
database_id = "{staging}"

[[d1_databases]]
binding = "PRODUCTION"
database_name = "production"
database_id = "{production}"
"""
_SETTINGS = """\
[fleet]
name = "bench"
workers = ["workers/*"]

[mirror.mask]
"users.email" = "email"
"users.name" = "name"
"users.org" = "keep"
"users.created_at" = "keep"
"users.bio" = "text"
"docs.body" = "text"
"docs.raw" = "keep"
"""
_LOADED = "The machine was shared with other work while this was measured."
_SETTING = """
{small} rows of about 200 bytes in seven columns, from one D1 database into another on the local Cloudflare, through the
REST API. Ours masks three columns, reads everything back and compares it; wrangler does neither.
"""
