"""What really runs: the bindings of the deployed versions, of both environments, against each other and the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cattlegrid.check import rules
from cattlegrid.check.look import Look, Worker
from cattlegrid.model.environment import Environment
from cattlegrid.model.finding import Finding
from cattlegrid.secrets import digest
from cattlegrid.wrangler.deployed import SITES, VARIABLE, Bound, asked, held

_DEPLOY: Final = {
    Environment.STAGING: "cattlegrid deploy",
    Environment.PRODUCTION: "cattlegrid promote, when the file is what you mean",
}


@dataclass(frozen=True)
class Running:
    """The bindings of the version that is live for a Worker in one environment, as the API tells them."""

    worker: str
    environment: Environment
    bindings: tuple[Mapping[str, object], ...]

    @property
    def held(self) -> dict[str, Bound]:
        found = held(self.bindings, ours=(digest.VARIABLE,))
        return {name: bound for name, bound in found.items() if not name.startswith(SITES)}


def live(look: Look, running: tuple[Running, ...]) -> Iterator[Finding]:
    """Staging's live bindings against all that production uses, live or in a file; then each environment's live ones
    against its own file.
    """
    files = {worker.name: worker for worker in look.workers}
    if look.fleet.one_account:
        yield from _shared(look, files, running)
    for one in running:
        yield from _unlike_the_file(files[one.worker], one)


def _shared(look: Look, files: Mapping[str, Worker], running: tuple[Running, ...]) -> Iterator[Finding]:
    taken = {key: f"production's in {worker.file}" for key, worker in look.production.items()}
    for one in running:
        if one.environment is Environment.PRODUCTION:
            for bound in one.held.values():
                for key in bound.keys:
                    taken.setdefault(key, f"bound by {one.worker} in production")
    for one in running:
        if one.environment is Environment.STAGING:
            for name, bound in one.held.items():
                for key in bound.keys:
                    if key in taken:
                        what = f"{one.worker} runs in staging with {name} bound to {' '.join(key)}, {taken[key]}"
                        fix = "cattlegrid split, then cattlegrid deploy"
                        yield files[one.worker].finding(rules.LIVE_SHARED, (), what, fix)


def _unlike_the_file(worker: Worker, one: Running) -> Iterator[Finding]:
    parts = worker.parts
    config = (parts.staging if one.environment is Environment.STAGING else parts.production) or {}
    wanted, found = asked(config), one.held
    for name in (*wanted, *(name for name in found if name not in wanted)):
        ours, theirs = wanted.get(name), found.get(name)
        if ours is None and theirs is not None and theirs.word == VARIABLE and config.get("keep_vars"):
            continue  # set on the dashboard, and meant to stay
        said = _difference(name, ours, theirs)
        if said:
            path = worker.at(one.environment.value, ours.path) if ours is not None else ()
            what = f"{one.worker} runs in {one.environment} {said}"
            yield worker.finding(rules.LIVE_DIFFERS, path, what, _DEPLOY[one.environment])


def _difference(name: str, ours: Bound | None, theirs: Bound | None) -> str:
    """What runs, in words behind 'runs in staging'; empty when it is as the file says. Values are not shown."""
    if theirs is None:
        return f"without the {_called(name, ours)}, which the file has"
    if ours is None:
        return f"with the {_called(name, theirs)}, which the file does not have"
    if ours.word != theirs.word:
        return f"with {name} as {theirs.word}; the file says {ours.word}"
    known = ours.identity and theirs.identity
    if known and ours.identity != theirs.identity:
        if ours.word == VARIABLE:
            return f"with another value of {name} than the file's"
        return f"with {name} bound to {theirs.word} {theirs.identity}; the file says {ours.identity}"
    if ours.script and theirs.script and ours.script != theirs.script:
        return f"with {name} bound to {theirs.identity} of {theirs.script}; the file says {ours.script}"
    return ""


def _called(name: str, bound: Bound | None) -> str:
    word = bound.word if bound is not None else ""
    return f"variable {name}" if word == VARIABLE else f"binding {name} ({word})"
