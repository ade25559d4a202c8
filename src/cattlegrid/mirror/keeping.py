"""A database in a file, whole: what `backup` writes and `restore` reads. Any SQLite opens it.

Beside `NAME.sqlite` stands `NAME.json`, the manifest: where the copy is from and when it was taken, and for each table
its rows and a digest over every value of them in the order of their keys, whatever the ranges it was read in.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.errors import Failed, UsageError
from cattlegrid.mirror import parcels, rows, schema, values
from cattlegrid.mirror.engine import Engine, OnFile
from cattlegrid.mirror.schema import Table
from cattlegrid.model.check import Check, Outcome

FORMAT: Final = "cattlegrid-backup/1"


class FileWriter:
    """Writes to a file that nothing else reads yet."""

    def __init__(self, engine: OnFile) -> None:
        self.engine = engine

    def write(self, statements: Sequence[Statement]) -> list[Result]:
        return self.engine.run(statements)


@dataclass(frozen=True)
class Kept:
    """One table in a manifest."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """`taken` is an ISO date; `bookmark` where Time Travel stood; `exact` whether all rows are of that one moment."""

    database: str
    database_id: str
    environment: str
    taken: str
    bookmark: str
    exact: bool
    schema: str
    tables: Mapping[str, Kept]
    sha256: str

    def write(self, file: Path) -> None:
        told = {"format": FORMAT, **{name: value for name, value in vars(self).items() if name != "tables"}}
        told["tables"] = {name: vars(kept) for name, kept in self.tables.items()}
        beside(file).write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def beside(file: Path) -> Path:
    return file.with_suffix(".json")


def read(file: Path) -> Manifest:
    """The manifest of a backup file. Raises UsageError when there is none, Failed when it is not one."""
    if not file.is_file() or not beside(file).is_file():
        raise UsageError(
            f"{file} is not a backup: {'its manifest' if file.is_file() else 'the file'} is missing",
            next="cattlegrid backup --env production",
        )
    try:
        told = json.loads(beside(file).read_bytes())
        tables = {name: Kept(**kept) for name, kept in told.pop("tables").items()}
        if told.pop("format") != FORMAT:
            raise Failed(f"is not of the format {FORMAT}", where=str(beside(file)))
        return Manifest(tables=tables, **told)
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"is not a manifest: {error}", where=str(beside(file))) from error


def private(file: Path) -> None:
    """An empty file that only its owner may read. Raises UsageError when there is one."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise UsageError(f"{file} is there already", next="name another with --to") from None


def digests(engine: Engine) -> dict[str, Kept]:
    """Every table, read whole."""
    found = {}
    for table in schema.read(engine).filled:
        hashed, number = hashlib.blake2b(digest_size=16), 0
        for line in _lines(engine, table):
            hashed.update(line.encode() + b"\n")
            number += 1
        found[table.name] = Kept(number, hashed.hexdigest())
    return found


def _lines(engine: Engine, table: Table) -> Iterator[str]:
    for chunk in parcels.plan(engine, [table], {}):
        (its,) = rows.read(engine, {table.name: table}, [chunk.range], {})
        yield from values.lines(its)


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def verify(file: Path) -> tuple[Manifest, tuple[Check, ...]]:
    """The file's bytes, its structure and every value in it against its manifest."""
    manifest = read(file)
    same = sha256(file) == manifest.sha256
    checks = [Check("bytes of the file", Outcome.PASS if same else Outcome.FAIL, f"sha256 {manifest.sha256[:16]}…")]
    with OnFile(file, read_only=True) as engine:
        shape = schema.read(engine).digest == manifest.schema
        checks.append(Check("structure", Outcome.PASS if shape else Outcome.FAIL, f"{len(manifest.tables)} tables"))
        checks.append(compare(engine, manifest))
    return manifest, tuple(checks)


def compare(engine: Engine, manifest: Manifest) -> Check:
    """Every value of every table against the manifest."""
    found = digests(engine)
    wrong = [name for name, kept in manifest.tables.items() if found.get(name) != kept]
    wrong += [name for name in found if name not in manifest.tables]
    rows = sum(kept.rows for kept in found.values())
    if wrong:
        return Check("every value", Outcome.FAIL, f"differs in {', '.join(sorted(wrong))}")
    return Check("every value", Outcome.PASS, f"{rows} rows of {len(found)} tables")
