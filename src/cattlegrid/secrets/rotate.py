"""A rotation as steps that can be done again: where it stands is kept in the store itself, beside the values.

A Worker with a second slot accepts two values. The new one goes into the slot first (accept), then the two change
places (switch), then the slot is emptied (finish). At every moment each Worker accepts the value that the store names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cattlegrid.errors import StoreError
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.store import RESERVED, Changes, Stored

_NEXT: Final = "next step of the rotation: "


class Phase(StrEnum):
    """What is to be done next."""

    START = "start"
    ACCEPT = "accept"
    SWITCH = "switch"
    FINISH = "finish"


@dataclass(frozen=True)
class Rotation:
    name: str
    slot: str
    phase: Phase


def standing(stored: Stored, name: str, slot: str) -> Rotation:
    """Where the rotation of `name` stands. Raises StoreError when the store says something that is not ours."""
    said = stored.own.get(_mark(name))
    if said is None:
        return Rotation(name, slot, Phase.START)
    phase = said.reveal().removeprefix(_NEXT)
    if phase not in set(Phase) or slot not in stored.values:
        raise StoreError(f"the mark of the rotation of {name} and its values do not fit", where=stored.place)
    return Rotation(name, slot, Phase(phase))


def begun(rotation: Rotation, new: Secret) -> Changes:
    """The store with the new value in the second slot."""
    return {rotation.slot: new, **_marked(rotation, Phase.ACCEPT)}


def switched(rotation: Rotation, values: Mapping[str, Secret]) -> Changes:
    """The store with the two values in each other's place."""
    names = {rotation.name: values[rotation.slot], rotation.slot: values[rotation.name]}
    return {**names, **_marked(rotation, Phase.SWITCH)}


def settled(rotation: Rotation) -> Changes:
    """Every Worker has the new value first."""
    return _marked(rotation, Phase.FINISH)


def ended(rotation: Rotation) -> Changes:
    """The store without the old value."""
    return {rotation.slot: None, f"{RESERVED}{_mark(rotation.name)}": None}


def _mark(name: str) -> str:
    return f"ROTATION_{name}"


def _marked(rotation: Rotation, phase: Phase) -> dict[str, Secret | None]:
    return {f"{RESERVED}{_mark(rotation.name)}": Secret(_NEXT + phase.value)}
