"""Mirrors from one SQLite file into another: the mirror's whole way, but for the REST API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from nasty import Nasty

from cattlegrid.clock import Clock
from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.mirror import run, schema
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.leaks import Leaks
from cattlegrid.mirror.rules import KEEP_ALL, Rules
from cattlegrid.mirror.run import Copied, Job
from cattlegrid.model.secret import Secret

KEY = Secret("a key for tests only")


class FileWriter:
    """`before` sees each batch first, and may raise."""

    def __init__(self, engine: OnFile, before: Callable[[Sequence[Statement]], None] = lambda _: None) -> None:
        self.engine = engine
        self.before = before

    def write(self, statements: Sequence[Statement]) -> list[Result]:
        self.before(statements)
        return self.engine.run(statements)


def made(file: Path, nasty: Nasty) -> Path:
    with OnFile(file) as engine:
        engine.run([Statement(sql, parameters) for sql, parameters in nasty.statements()])
    return file


def filled(file: Path, *statements: str) -> Path:
    with OnFile(file) as engine:
        engine.run([Statement(sql) for sql in statements])
    return file


def job(source: OnFile, writer: FileWriter, *, rules: Rules = KEEP_ALL, size: int = 4_000_000, **more: object) -> Job:
    given = {"bookmark": lambda: "the same", "about": {"source": "x"}, **more}
    return Job(source, writer, schema.read(source), rules, Clock(), target_bytes=size, **given)  # type: ignore[arg-type]


def mirrored(source: Path, target: Path, *, rules: Rules = KEEP_ALL, size: int = 4_000_000) -> Copied:
    with OnFile(source, read_only=True) as here, OnFile(target) as there:
        writer = FileWriter(there)
        copied = run.run(job(here, writer, rules=rules, size=size), Leaks(rules))
        run.forget(writer)
        return copied
