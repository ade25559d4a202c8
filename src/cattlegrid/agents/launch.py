"""How an agent is started: its own flags, variables and files. One file an agent; anything else gets the variables."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cattlegrid.agents.session import VARIABLE, Session

SERVER: Final = "cattlegrid"
OWN: Final = (sys.executable, "-P", "-m", "cattlegrid")
"""Ourselves. Without -P, `-m` would import from the working directory, where the agent writes."""


@dataclass(frozen=True)
class Start:
    """What a format is made from. `folder` is the session's; `banner` the lines that a model should begin with."""

    session: Session
    folder: Path
    argv: tuple[str, ...]
    banner: tuple[str, ...]
    sandbox: bool = False

    def own(self, *words: str) -> str:
        """A command of ours for a shell, which knows its session even when the agent drops variables."""
        return f"{VARIABLE}={shlex.quote(str(self.folder))} {shlex.join((*OWN, *words))}"

    def hook(self, *words: str) -> str:
        """A pre-tool hook: whatever goes wrong, the tool is blocked (exit code 2)."""
        return f"{self.own(*words)} || exit 2"


@dataclass(frozen=True)
class Launch:
    """`files` are written into the session folder, by relative path; `variables` are added to the child's environment.

    `unprotected` says in a person's words what this agent cannot be given.
    """

    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    unprotected: tuple[str, ...] = ()


Format = Callable[[Start], Launch]


def server(start: Start) -> dict[str, object]:
    """The gateway as a stdio server in the `mcpServers` shape that most clients share."""
    return {"command": OWN[0], "args": [*OWN[1:], "mcp"], "env": {VARIABLE: str(start.folder)}}


def any_command(start: Start) -> Launch:
    """The variables, and a plain `.mcp.json` in the session folder for a client that takes a file."""
    document = json.dumps({"mcpServers": {SERVER: {"type": "stdio", **server(start)}}}, indent=2)
    return Launch(
        start.argv,
        {"CATTLEGRID_MCP_CONFIG": str(start.folder / "mcp.json")},
        {"mcp.json": document},
        ("this command gets no hooks: nothing shows it the banner and no guard stands before its shell",),
    )
