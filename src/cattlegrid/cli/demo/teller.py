"""Types commands on the stage and shows them as a terminal would."""

from __future__ import annotations

from pathlib import Path

from cattlegrid.cli.demo.stage import OWN_COMMAND, Stage
from cattlegrid.cli.show import Show
from cattlegrid.errors import Failed


class Teller:
    def __init__(self, stage: Stage, show: Show) -> None:
        self.stage = stage
        self.show = show

    def say(self, text: str) -> None:
        self.show.line(self.show.paint(text, "dim"))

    def type(self, command: str, *, expect: int = 0, cwd: Path | None = None) -> str:
        """Run `cattlegrid …` or `wrangler …`; `expect` is the exit code that the story needs."""
        self.show.line(self.show.paint(f"$ {command}", "bold"))
        words = command.split()
        programs = {"cattlegrid": OWN_COMMAND, "wrangler": self.stage.toolchain.wrangler}
        argv = (*programs[words[0]], *words[1:])
        code, said = self.stage.run(*argv, cwd=cwd, line=lambda line: self.show.line(f"  {line}"))
        if code != expect:
            raise Failed(
                f"the story needs exit code {expect} here, and `{command}` ended with {code}",
                where=str(self.stage.folder),
                next="repeat `cattlegrid demo`; if it happens again, it is a bug of ours",
            )
        return said
