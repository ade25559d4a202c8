"""What a tool does to the world, and what that means in this environment."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cattlegrid.model.environment import Environment


class Effect(StrEnum):
    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


def effect(annotations: Mapping[str, object] | None, declared: str | None) -> Effect:
    """`declared` in cattlegrid.toml counts before the worker's annotations; a tool that says nothing writes."""
    if declared is not None:
        return Effect(declared)
    said = annotations or {}
    if said.get("readOnlyHint") is True:
        return Effect.READ
    return Effect.DESTRUCTIVE if said.get("destructiveHint") is True else Effect.WRITE


def asks(environment: Environment, what: Effect) -> bool:
    """Whether a person is asked before such a tool runs there."""
    return environment is Environment.PRODUCTION and what is not Effect.READ
