"""`secrets import`: values from a `.env` or `.dev.vars` file, from wrangler, or from another store, into our store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cattlegrid.cloudflare import secrets as cloudflare_secrets
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import MissingCredential, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Deployable
from cattlegrid.release.parallel import each
from cattlegrid.release.target import resolve
from cattlegrid.secrets import dotenv, form, store
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.scope import scoped

WRANGLER = "wrangler"


@dataclass(frozen=True)
class Brought:
    """Names only. `left` were not taken, each with the reason; `files` are the plain ones that are still there."""

    environment: Environment
    taken: tuple[str, ...]
    same: tuple[str, ...]
    left: dict[str, str]
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Source:
    """`left` says of a name why the source cannot give its value."""

    values: Mapping[str, Secret]
    files: tuple[str, ...] = ()
    left: dict[str, str] = field(default_factory=dict)


def bring(
    edge: Edge,
    environment: Environment,
    *,
    file: Path | None = None,
    kind: str = "",
    replacing: bool = False,
    venture: str = "",
) -> Brought:
    """Take every declared name that the source has and the store has not; `replacing` takes the others as well.

    Raises UsageError without a source, MissingCredential, StoreError, ApiError, ConfigError for a file that cannot be
    read.
    """
    fleet = scoped(edge, venture, environment)
    source = _source(edge, fleet, environment, file, kind)
    stored = store.read(fleet, environment, edge.environ, edge.ask).expect_open()
    taken: dict[str, Secret | None] = {}
    same, left = [], {}
    for name, value in source.values.items():
        canonical = fleet.secrets.canonical(name)
        if canonical not in fleet.secrets.names(environment):
            left[name] = f"is in no list of [secrets] for {environment}"
        elif problems := form.problems(fleet.secrets, canonical, value):
            left[name] = f"its value {'; it '.join(problems)}"
        elif stored.values.get(canonical) == value:
            same.append(canonical)
        elif canonical in stored.values and not replacing:
            left[name] = "has another value; --replace takes this one"
        else:
            taken[canonical] = value
    if taken:
        store.choose(fleet, environment, edge.environ, edge.ask).change(taken, edge.clock.now())
    have = {*taken, *stored.values}
    unknown = {name: why for name, why in source.left.items() if fleet.secrets.canonical(name) not in have}
    return Brought(environment, tuple(taken), tuple(same), {**left, **unknown}, source.files)


def _source(edge: Edge, fleet: Fleet, environment: Environment, file: Path | None, kind: str) -> _Source:
    if file is not None:
        return _Source(dotenv.values_in(file), (str(file),))
    if kind == WRANGLER:
        return _wrangler(edge, fleet, environment)
    if kind == fleet.secrets.store or not kind:
        raise UsageError("name a file, or where else they are: --from wrangler, dotenv, sops or infisical")
    other = replace(fleet, secrets=replace(fleet.secrets, store=kind))
    source = store.choose(other, environment, edge.environ, edge.ask)
    contents = source.read()
    if contents.closed:
        raise MissingCredential(contents.closed, where=source.place)
    ours = {name: value for name, value in contents.values.items() if not name.startswith(store.RESERVED)}
    return _Source(ours, (source.place,) if kind == "dotenv" and ours else ())


def _wrangler(edge: Edge, fleet: Fleet, environment: Environment) -> _Source:
    """What wrangler can tell: the names on the Workers, and the values in its `.dev.vars` files; no other value."""
    if fleet.secrets.venture:
        raise UsageError("wrangler knows nothing of ventures: no Worker has their secrets")
    target = resolve(fleet, environment, edge.environ)
    with Client(target.account, clock=edge.clock) as client:
        workers = list(target.workers.values())
        listed = each(lambda worker: cloudflare_secrets.names(client, worker.script), workers)
    on_workers = {name: worker.script for worker, names in zip(workers, listed, strict=True) for name in sorted(names)}
    values: dict[str, Secret] = {}
    came: dict[str, str] = {}
    left: dict[str, str] = {}
    for file in _vars_files(fleet, environment, workers):
        shown = file.relative_to(fleet.root).as_posix()
        for name, value in dotenv.values_in(file).items():
            if values.setdefault(name, value) != value:
                left[name] = f"{came[name]} and {shown} have different values"
            came.setdefault(name, shown)
    declared = fleet.secrets.known(environment)
    lost = {
        name: f"is on {script}, and "
        + (
            "Cloudflare gives no value back: set it anew, or rotate it"
            if name in declared
            else "in no list of [secrets]"
        )
        for name, script in on_workers.items()
        if name not in values
    }
    kept = {name: value for name, value in values.items() if name not in left}
    return _Source(kept, tuple(sorted({*came.values()})), {**left, **lost})


def _vars_files(fleet: Fleet, environment: Environment, workers: list[Deployable]) -> Iterator[Path]:
    """As wrangler names them. Without an environment's name they are a developer's, and never production's."""
    for worker in workers:
        flag = worker.environment_flag
        if flag or environment is Environment.STAGING:
            file = fleet.root / worker.worker.folder / (f".dev.vars.{flag}" if flag else ".dev.vars")
            if file.is_file():
                yield file
