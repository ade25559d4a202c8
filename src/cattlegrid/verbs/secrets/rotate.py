"""`secrets rotate`: another value for an isolated secret, in two phases where its Workers accept two."""

from __future__ import annotations

from dataclasses import dataclass

from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Failed, Refused
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.fleet import Fleet, Kind
from cattlegrid.model.target import Target
from cattlegrid.release import subjects
from cattlegrid.release.live import read_live, read_one
from cattlegrid.release.parallel import each
from cattlegrid.release.smoke import keys
from cattlegrid.release.target import resolve
from cattlegrid.secrets import push, rotate, store, uses
from cattlegrid.secrets.rotate import Phase as Step
from cattlegrid.secrets.rotate import Rotation
from cattlegrid.secrets.store import Changes, Stored
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.values import declared, new_value


@dataclass(frozen=True)
class Rotated:
    """`done` are the steps that were done now; `old_accepted` while the Workers still take the old value, too."""

    environment: Environment
    name: str
    workers: tuple[str, ...]
    done: tuple[str, ...]
    old_accepted: bool


@dataclass(frozen=True)
class RotateOptions:
    """`finish` removes the old value; `at_once` replaces the value where there is no second slot."""

    finish: bool = False
    at_once: bool = False


class _Run:
    """One rotation on its way: the store is read anew after each step, since it is what says where we are."""

    def __init__(self, edge: Edge, fleet: Fleet, target: Target, client: Client, name: str, tell: Tell) -> None:
        self.edge, self.fleet, self.target, self.client, self.name, self.tell = edge, fleet, target, client, name, tell
        self.environment = target.environment
        self.done: list[str] = []
        about = fleet.secrets.of(name)
        self.names = (name, *about.aliases)
        self.workers = tuple(
            worker
            for worker, deployable in target.workers.items()
            if set(self.names) & set(uses.needed(fleet, deployable, self.environment))
        )

    def stored(self) -> Stored:
        return store.read(self.fleet, self.environment, self.edge.environ, self.edge.ask).expect_open()

    def write(self, changes: Changes, said: str) -> None:
        chosen = store.choose(self.fleet, self.environment, self.edge.environ, self.edge.ask)
        chosen.change(changes, self.edge.clock.now())
        self._tell("store", said)

    def push(self, names: tuple[str, ...], said: str, *, removed: tuple[str, ...] = ()) -> None:
        """Set these names on every Worker that uses the secret, all at once."""
        stored = self.stored()

        def one(worker: str) -> None:
            deployable = self.target.workers[worker]
            live = read_one(self.client, deployable.script)
            if live.version is None:
                return
            there = push.there(self.client, deployable.script, live.version.bindings)
            only = frozenset(names)
            plan = push.plan(
                self.fleet, self.environment, deployable, stored=stored, there=there, again=True, only=only
            )
            push.push(self.client, push.without(plan, removed, there.names), stored)

        each(one, self.workers)
        self._tell("workers", said)

    def expect_accepted(self) -> None:
        """Raises Failed unless every Worker whose key this is accepts the new value live."""
        stored = self.stored()
        state = read_live(self.client, self.target, self.workers)
        found, _ = subjects.of(self.client, self.target, state)
        for subject in found:
            auth = subject.deployable.worker.auth
            if auth is None or auth.secret not in self.names:
                continue
            for check in keys.accepts_its_own_key(self.client.http, subject, stored):
                if check.outcome is not Outcome.PASS:
                    raise Failed(f"{check.name}: {check.detail}; the old value was left", where=subject.worker)

    def _tell(self, step: str, said: str) -> None:
        self.done.append(said)
        self.tell(Event(Phase.FINISHED, step, self.environment, "", said))


def rotate_secret(
    edge: Edge,
    environment: Environment,
    name: str,
    options: RotateOptions = RotateOptions(),
    *,
    tell: Tell = lambda _: None,
) -> Rotated:
    """Go on with the rotation from wherever it stands; the same call after any interruption goes on from there.

    Raises Refused for a secret whose value comes from outside, and for one without a second slot unless `at_once`.
    """
    fleet = load(edge.cwd)
    canonical = declared(fleet, (environment,), name)
    if fleet.secrets.kinds()[canonical] is Kind.SHARED:
        raise Refused(
            f"{canonical} is shared: its value comes from outside, and both environments get it",
            next=f"cattlegrid secrets set {canonical} --both, then cattlegrid secrets push for each environment",
        )
    target = resolve(fleet, environment, edge.environ)
    slot = fleet.secrets.of(canonical).previous
    with Client(target.account, clock=edge.clock) as client:
        run = _Run(edge, fleet, target, client, canonical, tell)
        if slot is None:
            _at_once(run, meant=options.at_once)
            accepted = False
        else:
            accepted = _in_two_phases(run, slot, finish=options.finish)
    return Rotated(environment, canonical, run.workers, tuple(run.done), accepted)


def _at_once(run: _Run, *, meant: bool) -> None:
    if not meant:
        raise Refused(
            f"the workers of {run.name} accept one value only: whoever still has the old one is refused from then on",
            next=f"let them accept a second one (secrets.about.{run.name}.previous), or: --at-once",
        )
    run.write({run.name: new_value(run.fleet, run.name)}, "a new value is in the store")
    run.push(run.names, "the workers have the new value")


def _in_two_phases(run: _Run, slot: str, *, finish: bool) -> bool:
    """Whether the old value is still accepted at the end."""
    rotation = rotate.standing(run.stored(), run.name, slot)
    if rotation.phase is Step.START:
        if finish:
            return False
        run.write(rotate.begun(rotation, new_value(run.fleet, run.name)), "a new value is in the second slot")
        rotation = _standing(run, rotation)
    if rotation.phase is Step.ACCEPT:
        run.push((slot,), "the workers accept the new value too")
        run.write(rotate.switched(rotation, run.stored().values), "the new value is the first")
        rotation = _standing(run, rotation)
    if rotation.phase is Step.SWITCH:
        run.push((*run.names, slot), "the workers have the new value first, and accept the old one")
        run.write(rotate.settled(rotation), "only the old value is left to be removed")
    if not finish:
        return True
    run.expect_accepted()
    run.push((), "the workers refuse the old value", removed=(slot,))
    run.write(rotate.ended(rotation), "the old value is gone")
    return False


def _standing(run: _Run, rotation: Rotation) -> Rotation:
    return rotate.standing(run.stored(), rotation.name, rotation.slot)
