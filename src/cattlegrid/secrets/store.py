"""The store that `[secrets] store` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet, WorkerSettings
from cattlegrid.model.secret import Secret
from cattlegrid.secrets import dotenv


@dataclass(frozen=True)
class Stored:
    """An environment's values as its store has them. `place` is where a missing one is to be written."""

    environment: Environment
    place: str
    values: Mapping[str, Secret] = field(default_factory=dict)

    def how_to_add(self, name: str) -> str:
        return f"write {name}=… into {self.place} (mode 0600)"


def read(fleet: Fleet, environment: Environment) -> Stored:
    """Raises ConfigError for a store that does not exist, and with the mistakes in the store's file."""
    policy = fleet.secrets
    if policy.store != "dotenv":
        what = f'there is no store {policy.store!r} yet; "dotenv" is the one there is'
        raise ConfigError((Mistake("cattlegrid.toml", "secrets.store", what),))
    known = frozenset(policy.names(environment))
    place = dotenv.path(fleet.root, environment).relative_to(fleet.root).as_posix()
    return Stored(environment, place, dotenv.read(fleet.root, environment, known))


def needed(fleet: Fleet, worker: WorkerSettings, environment: Environment) -> tuple[str, ...]:
    """The names of the secrets that this worker declares and that belong to this environment."""
    here = set(fleet.secrets.names(environment))
    return tuple(name for name in worker.secrets if name in here)
