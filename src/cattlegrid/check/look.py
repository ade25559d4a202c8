"""One look at the fleet's files, shared by all rules; lines are searched only where something is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.git.paths import parents
from cattlegrid.model.environment import Environment
from cattlegrid.model.finding import Finding, Rule
from cattlegrid.model.fleet import Fleet, WorkerSettings
from cattlegrid.wrangler import config as reading
from cattlegrid.wrangler.resources import Path, resources
from cattlegrid.wrangler.split.content import PRODUCTION, STAGING, Layout, Parts, parts


@dataclass(frozen=True)
class Worker:
    """One Worker's wrangler file, read."""

    settings: WorkerSettings
    text: str = field(repr=False)
    raw: Mapping[str, object]
    parts: Parts

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def file(self) -> str:
        return self.settings.config

    def prefix(self, environment: str) -> Path:
        """Where the environment's own values are written: in a block, or at the top level."""
        written = self.raw.get("env")
        name = self.parts.blocks.of(Environment(environment))
        return ("env", name) if isinstance(written, Mapping) and name in written else ()

    def at(self, environment: str, path: Path) -> Path:
        """The path in the file of what the environment resolves at `path`: its block, or what it inherits."""
        own = (*self.prefix(environment), *path)
        holder: object = self.raw
        for part in own[: len(own) - len(path) + 1]:
            holder = holder.get(part) if isinstance(holder, Mapping) else None
        return own if holder is not None else path

    def finding(self, rule: Rule, path: Path, what: str, fix: str) -> Finding:
        from cattlegrid.wrangler.edit.rewrite import locate  # noqa: PLC0415 - 15 ms of imports that only a finding pays

        line, column = locate(self.text, self.file, path)
        return Finding(rule, self.file, line, column, what, fix, self.name)


@dataclass(frozen=True)
class Look:
    """`workers` in the fleet's order."""

    fleet: Fleet
    workers: tuple[Worker, ...]

    @cached_property
    def production(self) -> Mapping[tuple[str, str], Worker]:
        """Everything that production uses, by kind and identity, and the first Worker that says so."""
        found: dict[tuple[str, str], Worker] = {}
        for worker in self.workers:
            for resource in resources(worker.parts.production):
                found.setdefault(resource.key, worker)
        return found

    @cached_property
    def _by_folder(self) -> Mapping[str, Worker]:
        return {worker.settings.folder: worker for worker in self.workers}

    def _met_by(self, file: str) -> tuple[Worker, ...]:
        """The Worker whose folder the file lies in; else all of them."""
        own = next((self._by_folder[folder] for folder in parents(file) if folder in self._by_folder), None)
        return self.workers if own is None else (own,)

    @cached_property
    def _layout_of_all(self) -> Layout | None:
        layouts = {one.parts.layout for one in self.workers}
        return layouts.pop() if len(layouts) == 1 else None

    def layout_of(self, file: str) -> Layout | None:
        """The layout that a call of wrangler in this file meets; None when Workers differ."""
        met = self._met_by(file)
        return met[0].parts.layout if len(met) == 1 else self._layout_of_all

    def environments_of(self, file: str) -> set[str]:
        """The names that `--env` may have in a call from this file."""
        found = {""}
        for one in self._met_by(file):
            written = one.raw.get("env")
            found |= set(written) if isinstance(written, Mapping) else set()
        return found


def look(fleet: Fleet) -> Look:
    """Raises ConfigError with the mistakes of all wrangler files at once."""
    return _look(fleet, lambda worker: (fleet.root / worker.config).read_bytes())


def look_at(fleet: Fleet, texts: Mapping[str, str]) -> Look:
    """As `look`, at texts by worker that are not written yet."""
    return _look(fleet, lambda worker: texts[worker.name].encode())


def _look(fleet: Fleet, read: Callable[[WorkerSettings], bytes]) -> Look:
    mistakes: list[Mistake] = []
    workers = []
    for settings in fleet.workers:
        try:
            data = read(settings)
            raw = reading.parse(data, settings.config.rpartition("/")[2], shown=settings.config)
            workers.append(Worker(settings, data.decode(), raw, parts(raw, settings.config, fleet.blocks)))
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(tuple(mistakes), next="mend the files named above, then repeat the command")
    return Look(fleet, tuple(workers))


__all__ = ["PRODUCTION", "STAGING", "Layout", "Look", "Worker", "look"]
