"""The edge: working directory, environment variables, clock and the person, read once and handed down."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cattlegrid.clock import Clock


@dataclass(frozen=True)
class Edge:
    """`ask` gets a hidden answer, such as a passphrase, from a person; None when nobody is at a terminal."""

    cwd: Path
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock = field(default_factory=Clock)
    ask: Callable[[str], str] | None = None

    @classmethod
    def here(cls) -> Edge:
        """This process's own edge. Called by the outermost floor only."""
        person = sys.stdin.isatty() and sys.stderr.isatty()
        return cls(Path.cwd(), dict(os.environ), Clock(), getpass.getpass if person else None)
