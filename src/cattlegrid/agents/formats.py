"""The agents that are known by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cattlegrid.agents import claude, codex, gemini, opencode
from cattlegrid.agents.launch import Format, any_command

FORMATS: Final[Mapping[str, Format]] = {
    "claude": claude.launch,
    "codex": codex.launch,
    "gemini": gemini.launch,
    "opencode": opencode.launch,
}


def named(argv: tuple[str, ...], chosen: str = "") -> tuple[str, Format]:
    """The agent's name and format: the one chosen, else by the program's own name, else any command."""
    name = chosen or Path(argv[0]).name.removesuffix(".js").removesuffix(".exe")
    return (name, FORMATS[name]) if name in FORMATS else ("any command", any_command)
