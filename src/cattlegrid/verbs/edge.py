"""The edge: the working directory, the environment variables and the clock, read once and handed down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cattlegrid.clock import Clock


@dataclass(frozen=True)
class Edge:
    cwd: Path
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def here(cls) -> Edge:
        """This process's own edge. Called by the outermost floor only."""
        return cls(Path.cwd(), dict(os.environ), Clock())
