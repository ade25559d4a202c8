"""Types commands on the stage and shows them as a terminal would."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from cattlegrid.cli.demo.stage import OWN_COMMAND, Stage
from cattlegrid.cli.show import Show
from cattlegrid.errors import Failed

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


class Teller:
    def __init__(self, stage: Stage, show: Show) -> None:
        self.stage = stage
        self.show = show

    def say(self, text: str) -> None:
        self.show.line(self.show.paint(text, "dim"))

    def type(self, command: str, *, expect: int = 0, cwd: Path | None = None) -> str:
        """Run `cattlegrid …` or `wrangler …`; `expect` is the exit code that the story needs."""
        code, said = self._typed(command, cwd)
        if code != expect:
            raise self._unexpected(command, expect, code)
        return said

    def person(self, command: str) -> bool:
        """Run what only a person may. False when an agent plays the story: it is refused then, which is shown."""
        code, said = self._typed(command, None)
        if code == 3 and "in an agent's process tree" in said:
            return False
        if code != 0:
            raise self._unexpected(command, 0, code)
        return True

    def _typed(self, command: str, cwd: Path | None) -> tuple[int, str]:
        self.show.line(self.show.paint(f"$ {command}", "bold"))
        words = shlex.split(command)
        programs = {"cattlegrid": OWN_COMMAND, "wrangler": self.stage.toolchain.wrangler}
        argv = (*programs[words[0]], *words[1:])
        code, said = self.stage.run(*argv, cwd=cwd, line=lambda line: self.show.line(f"  {line}"))
        return code, _COLOUR.sub("", said)

    def _unexpected(self, command: str, expect: int, code: int) -> Failed:
        return Failed(
            f"the story needs exit code {expect} here, and `{command}` ended with {code}",
            where=str(self.stage.folder),
            next="repeat `cattlegrid demo`; if it happens again, it is a bug of ours",
        )
