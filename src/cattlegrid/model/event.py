"""What a long verb tells while it works, so that a face can show it. Verbs never print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from cattlegrid.model.environment import Environment


class Phase(StrEnum):
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    NOTE = "note"


@dataclass(frozen=True)
class Event:
    """`step` in the user's words ("build", "migrate", "upload", "smoke", "switch"); `seconds` when it has an end."""

    phase: Phase
    step: str
    environment: Environment
    worker: str = ""
    detail: str = ""
    seconds: float = 0.0


Tell: TypeAlias = Callable[[Event], None]
