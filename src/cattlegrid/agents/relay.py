"""The MCP server as an agent starts it inside a session: bytes between its standard streams and the session's gateway.

It imports nothing heavy and holds no credential, so that it answers at once and an agent's shell may run it too.
"""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Final

from cattlegrid.agents.session import GATEWAY
from cattlegrid.errors import Failed

_PIECE: Final = 1 << 16


def relay(folder: Path, *, read: int = 0, write: int = 1) -> None:
    """Until either side ends. Raises Failed when the session's gateway is not there."""
    connection = connect(folder / GATEWAY)
    threading.Thread(target=_up, args=(connection, read), daemon=True).start()
    while piece := _received(connection):
        _all(write, piece)


def connect(place: Path) -> socket.socket:
    """Raises Failed when nobody listens there."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(place))
    except OSError as error:
        raise Failed(
            f"this session's gateway has ended ({error.strerror}): no tool can be called",
            next="cattlegrid run -- <agent>",
        ) from error
    return connection


def _up(connection: socket.socket, read: int) -> None:
    try:
        while piece := os.read(read, _PIECE):
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        connection.close()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(_PIECE)
    except OSError:
        return b""


def _all(write: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(write, view) :]
