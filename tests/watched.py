"""Looking for values where they should not be: in /proc while our commands run, and in what they leave behind."""

from __future__ import annotations

import base64
import os
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-m", "cattlegrid")
_MAIN = "from cattlegrid.cli import main"
TRACED = (sys.executable, "-c", f"import logging, sys; logging.basicConfig(level=1); {_MAIN}; sys.exit(main())")
"""The command with every library's own log, that of HTTP too, at its loudest, on standard error."""


class Watch:
    """What the processes of our commands show in /proc while they run: arguments, and environment of other programs.

    What was there before, the local Cloudflare say, is left out: it has the Workers' secrets, as Cloudflare has.
    """

    def __init__(self) -> None:
        self.arguments = b""
        self.environments = b""
        self.others = {os.getpid(), *_below(os.getpid())}

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._look, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _look(self, stop: threading.Event) -> None:
        seen: set[tuple[int, bytes]] = set()
        while not stop.is_set():
            for pid in _below(os.getpid(), self.others - {os.getpid()}):
                try:
                    arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
                    environment = Path(f"/proc/{pid}/environ").read_bytes()
                    became_another = Path(f"/proc/{pid}/cmdline").read_bytes() != arguments
                    if became_another or (pid, arguments) in seen:
                        continue
                    seen.add((pid, arguments))
                    self.arguments += arguments
                    if b"-m\0cattlegrid\0" not in arguments and _MAIN.encode() not in arguments:
                        self.environments += environment
                except (FileNotFoundError, ProcessLookupError, PermissionError):
                    continue
            time.sleep(0.004)


def _below(top: int, but: Collection[int] = ()) -> list[int]:
    """The processes that descend from `top`, without `but` and what descends from those."""
    found, todo = [], [top]
    while todo:
        try:
            tasks = list(Path(f"/proc/{todo.pop()}/task").glob("*/children"))
            below = " ".join(task.read_text() for task in tasks)
        except (FileNotFoundError, ProcessLookupError):  # it has ended while we looked
            continue
        children = [int(word) for word in below.split() if int(word) not in but]
        found += children
        todo += children
    return found


def forms(values: dict[str, str]) -> dict[str, bytes]:
    plain = {name: value.encode() for name, value in values.items()}
    return plain | {f"{name} in base64": base64.b64encode(value)[:-2] for name, value in plain.items()}


def files_with(value: bytes, *folders: Path) -> list[str]:
    return [
        str(file)
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and value in file.read_bytes()
    ]
