"""One workerd process: started from a configuration, watched, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, cast

_LONGEST_START: Final = 20.0
_LONGEST_STOP: Final = 5.0
_KEPT_WORDS: Final = 64 * 1024
_PR_SET_PDEATHSIG: Final = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartFailed(Exception):
    """workerd ended before it listened, or never listened; the text is what it said."""


def die_with_parent() -> None:
    """Runs in the child before exec: the kernel ends it when the thread that started it is gone."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Workerd:
    """`words` is the tail of what it printed; everything goes to `log` too."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._reader = asyncio.create_task(self._keep_words())
        self.words = b""
        self.started_in = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ended(self) -> int:
        return await self._process.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """Ask, then kill. Returns when it is gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _LONGEST_STOP)
            except TimeoutError:
                self.kill()
                await self._process.wait()
        await self._reader

    async def _keep_words(self) -> None:
        """Reads on when the log cannot be written (a full disk): workerd would stand still with its pipe full."""
        stream = cast("asyncio.StreamReader", self._process.stdout)
        while piece := await stream.read(65536):
            self.words = (self.words + piece)[-_KEPT_WORDS:]
            with contextlib.suppress(OSError), self._log.open("ab", buffering=0) as log:
                log.write(piece)


async def start(
    binary: Path, config: Path, *, sockets: Sequence[str], env: Mapping[str, str], log: Path, debug: Path | None = None
) -> Workerd:
    """Start workerd and wait until every socket listens. Raises StartFailed with its words."""
    reader, writer = os.pipe()
    argv = [str(binary), "serve", "--experimental", "--import-path=/", f"--control-fd={writer}"]
    if debug is not None:
        argv.append(f"--debug-port=unix:{debug}")
    began = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            str(config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
            pass_fds=(writer,),
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    workerd = Workerd(process, log)
    try:
        async with asyncio.timeout(_LONGEST_START):
            listening = await _listening(reader, set(sockets))
    except (TimeoutError, asyncio.CancelledError):
        workerd.kill()
        await workerd.stop()
        raise
    if not listening:
        await workerd.stop()
        raise StartFailed(workerd.words.decode("utf-8", "replace"))
    workerd.started_in = time.monotonic() - began
    return workerd


async def _listening(reader: int, wanted: set[str]) -> bool:
    """Reads the control descriptor until all the sockets are there (True) or the process is gone (False)."""
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reader, "rb", buffering=0)
    )
    try:
        while wanted:
            line = await stream.readline()
            if not line:
                return False
            wanted.discard(json.loads(line).get("socket", ""))
        return True
    finally:
        transport.close()
