"""A hundred secrets in two environments, for eight Workers: read, audited, pushed; against sops and wrangler."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import fleets
from local_cloud import local
from measure import Series, interleaved, run
from programs import Programs
from results import Goal, Result, Row, rows

from cattlegrid.model.environment import Environment
from cattlegrid.secrets import store
from cattlegrid.settings import load

TITLE = "secrets"
READ, SOPS = "read in process", "sops decrypt"
LIST, SOPS_BOTH = "cattlegrid secrets list --json", "sops decrypt, both files"
AUDIT = "cattlegrid secrets audit --no-live"
PUSH, WRANGLER = "cattlegrid secrets push", "wrangler secret bulk, worker by worker"
_SOPS = str(Path(sys.executable).with_name("sops"))


@dataclass(frozen=True)
class Stage:
    fleet: fleets.Fleet
    environ: Mapping[str, str]
    names: tuple[str, ...]

    def seconds(self, *argv: str) -> float:
        return run(argv, cwd=self.fleet.root, env=self.environ).seconds


def bench(programs: Programs, *, quick: bool) -> Result:
    count, workers = (12, 2) if quick else (100, 8)
    with (
        tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as folder,
        local(programs, Path(folder) / "state") as cloud,
    ):
        stage = _stage(programs, Path(folder), cloud.environ, count, workers)
        reading = interleaved(_readers(programs, stage), rounds=3 if quick else 15)
        pushing = interleaved(_pushers(programs, stage), rounds=1 if quick else 5)
    return Result(TITLE, _setting(count, workers), _rows(reading, pushing), _goals(reading, pushing), _NOTES)


def _stage(programs: Programs, folder: Path, cloud: Mapping[str, str], count: int, workers: int) -> Stage:
    fleet = fleets.write(folder / "fleet", "secret", workers)
    names = tuple(f"SECRET_{number:03}" for number in range(count))
    settings = (fleet.root / "cattlegrid.toml").read_text()
    tables = "".join(f"[workers.{worker}]\nsecrets = {json.dumps(names)}\n" for worker in fleet.workers)
    (fleet.root / "cattlegrid.toml").write_text(f"{settings}\n[secrets]\nisolated = {json.dumps(names)}\n{tables}")
    keys = folder / "keys.txt"
    environ = {**programs.environ, **cloud, "SOPS_AGE_KEY_FILE": str(keys), "SOPS_DISABLE_VERSION_CHECK": "1"}
    stage = Stage(fleet, environ, names)
    stage.seconds(programs.cattlegrid, "secrets", "identity", "--out", str(keys))
    stage.seconds(programs.cattlegrid, "secrets", "init")
    for environment in Environment:
        stage.seconds(programs.cattlegrid, "secrets", "generate", "--env", environment.value)
        for worker in fleet.workers:
            flag = "" if environment is Environment.STAGING else "production"
            run([*programs.parts.wrangler, "deploy", f"--env={flag}"], cwd=fleet.folder(worker), env=environ)
        stage.seconds(programs.cattlegrid, "secrets", "push", "--env", environment.value)
    return stage


def _readers(programs: Programs, stage: Stage) -> dict[str, Callable[[], float]]:
    described = load(stage.fleet.root)
    files = [str(stage.fleet.root / "secrets" / f"{environment}.sops.json") for environment in Environment]

    def in_process() -> float:
        started = time.perf_counter()
        found = store.read(described, Environment.STAGING, stage.environ)
        seconds = time.perf_counter() - started
        assert set(found.values) == set(stage.names)
        return seconds

    return {
        READ: in_process,
        SOPS: lambda: stage.seconds(_SOPS, "decrypt", files[0]),
        LIST: lambda: stage.seconds(programs.cattlegrid, "secrets", "list", "--json"),
        SOPS_BOTH: lambda: sum(stage.seconds(_SOPS, "decrypt", file) for file in files),
        AUDIT: lambda: stage.seconds(programs.cattlegrid, "secrets", "audit", "--no-live"),
    }


def _pushers(programs: Programs, stage: Stage) -> dict[str, Callable[[], float]]:
    described = load(stage.fleet.root)
    values = store.read(described, Environment.STAGING, stage.environ).values
    body = json.dumps({name: values[name].reveal() for name in stage.names}).encode()

    def wrangler() -> float:
        return sum(
            run(
                [*programs.parts.wrangler, "secret", "bulk", "--env="],
                cwd=stage.fleet.folder(worker),
                env=stage.environ,
                input=body,
            ).seconds
            for worker in stage.fleet.workers
        )

    return {PUSH: lambda: stage.seconds(programs.cattlegrid, "secrets", "push"), WRANGLER: wrangler}


def _rows(reading: dict[str, Series], pushing: dict[str, Series]) -> tuple[Row, ...]:
    whole = {name: reading[name] for name in (LIST, SOPS_BOTH)}
    audit = Row(AUDIT, reading[AUDIT], "s")
    one = {name: reading[name] for name in (READ, SOPS)}
    return (*rows(one, READ), *rows(whole, LIST), audit, *rows(pushing, PUSH))


def _goals(reading: dict[str, Series], pushing: dict[str, Series]) -> tuple[Goal, ...]:
    read = reading[SOPS].over(reading[READ]).median
    push = pushing[WRANGLER].over(pushing[PUSH]).median
    return (
        Goal("a read ≥ 20 x faster than `sops decrypt`", read, 20, "x", "See the notes.", at_least=True),
        Goal("a push ≥ 5 x faster than wrangler", push, 5, "x", "The new version's start is the API's.", at_least=True),
    )


def _setting(count: int, workers: int) -> str:
    return f"""
    {count} isolated secrets of 32 random bytes in each of two SOPS files, encrypted for one age key, used by all of
    {workers} Workers that are deployed in both environments on a local Cloudflare. `read` opens one file, checks its
    MAC and gives the values to the program that asked, as `deploy`, `smoke` and the gateway do; a program that is not
    cattlegrid would start `sops`. The audit compares {count} names across environments and on {2 * workers} Workers. A
    push sets all {count} values and the manifest on {workers} Workers and reads the names back.
    """


_NOTES = (
    """`read in process` leaves out the interpreter's start, which the program that reads has paid already; whole
    programs, started afresh, are compared in the row below it.""",
    """The local Cloudflare answers in milliseconds; over the internet both push through the same round trips, ours to
    eight Workers at once.""",
)
